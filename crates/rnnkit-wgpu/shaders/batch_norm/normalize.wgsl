// y = gamma x̂ + beta, zero past the lanes' ends. A thread an element of [rows, size].

struct Arguments {
  elements: u32,
  size: u32,
  lanes: u32,
  // in the plan: [N]
  lengths: u32,
  // in the arena
  input: u32,
  output: u32,
  statistics: u32,
  // in the parameters
  gamma: u32,
  beta: u32,
  epsilon: f32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(2) var<storage, read> plan: array<u32>;

@compute @workgroup_size(64)
fn normalize_rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= arguments.elements) {
    return;
  }
  let row = index / arguments.size;
  let feature = index % arguments.size;
  var y = 0.0;
  if (is_within(row)) {
    y = parameters[arguments.gamma + feature] * normalized(row, feature) + parameters[arguments.beta + feature];
  }
  arena[arguments.output + index] = y;
}
