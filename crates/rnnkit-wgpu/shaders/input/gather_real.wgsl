// Rows of real numbers at the window's positions, [T, N, E], zero past a lane's end.

struct Arguments {
  rows: u32,
  width: u32,
  lanes: u32,
  // in the plan: [N] each
  starts: u32,
  lengths: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> output: array<f32>;
@group(0) @binding(1) var<storage, read> plan: array<u32>;
@group(0) @binding(2) var<storage, read> data: array<f32>;

@compute @workgroup_size(64)
fn gather_real(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= arguments.rows * arguments.width) {
    return;
  }
  let row = index / arguments.width;
  var value = 0.0;
  if (is_within(row)) {
    let position = plan[arguments.starts + lane_of_row(row)] + step_of_row(row);
    value = data[position * arguments.width + index % arguments.width];
  }
  output[index] = value;
}
