// Each lane's last row, [N, width], of rows [T, N, width]: zero for a lane without any. Back, the gradient of those rows, zero elsewhere.
// A thread an element of what is written.

struct Arguments {
  // in the arena: all rows, and the last of each lane
  rows_at: u32,
  last_at: u32,
  elements: u32,
  width: u32,
  lanes: u32,
  // in the plan: [N]
  lengths: u32,
  // 1: from the last rows to all
  back: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<storage, read> plan: array<u32>;

@compute @workgroup_size(64)
fn last_rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= arguments.elements) {
    return;
  }
  let row = index / arguments.width;
  let column = index % arguments.width;
  let lane = lane_of_row(row);
  let length = length_of(lane);
  var value = 0.0;
  if (arguments.back == 1u) {
    if (step_of_row(row) + 1u == length) {
      value = arena[arguments.last_at + lane * arguments.width + column];
    }
    arena[arguments.rows_at + index] = value;
    return;
  }
  if (length > 0u) {
    value = arena[arguments.rows_at + ((length - 1u) * arguments.lanes + lane) * arguments.width + column];
  }
  arena[arguments.last_at + index] = value;
}
