// Zero in the rows past their lanes' ends. A thread an element of [rows, width].

struct Arguments {
  // in the arena
  at: u32,
  elements: u32,
  width: u32,
  lanes: u32,
  // in the plan: [N]
  lengths: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<storage, read> plan: array<u32>;

@compute @workgroup_size(64)
fn ended_rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index < arguments.elements && !is_within(index / arguments.width)) {
    arena[arguments.at + index] = 0.0;
  }
}
