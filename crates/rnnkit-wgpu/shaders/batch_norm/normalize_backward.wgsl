// dx = gamma / sqrt(variance + epsilon) (dy - mean(dy) - x̂ mean(dy x̂)) (Ioffe and Szegedy, section 3), zero past the lanes' ends; by the
// moving statistics, which no input changes, the two means drop out. A thread an element of [rows, size].

struct Arguments {
  elements: u32,
  size: u32,
  lanes: u32,
  // in the plan: [N]
  lengths: u32,
  // in the arena
  input: u32,
  d_input: u32,
  d_output: u32,
  statistics: u32,
  // in the parameters and in the gradients
  gamma: u32,
  beta: u32,
  epsilon: f32,
  // from the sums to the means; 0 where they drop out
  share: f32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(2) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(3) var<storage, read> plan: array<u32>;

@compute @workgroup_size(64)
fn normalize_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let index = (group.y * groups.x + group.x) * 64u + thread;
  if (index >= arguments.elements) {
    return;
  }
  let row = index / arguments.size;
  let feature = index % arguments.size;
  var dx = 0.0;
  if (is_within(row)) {
    let dy = arena[arguments.d_output + index];
    let mean_dy = gradients[arguments.beta + feature] * arguments.share;
    let mean_dy_normalized = gradients[arguments.gamma + feature] * arguments.share;
    let inner = dy - mean_dy - normalized(row, feature) * mean_dy_normalized;
    dx = parameters[arguments.gamma + feature] / deviation(feature) * inner;
  }
  arena[arguments.d_input + index] = dx;
}
