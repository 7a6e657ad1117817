// Gradients of gamma and beta: the sums of dy x̂ and of dy over the rows within their lanes' lengths. The way back to the input takes
// them from here. A workgroup for FEATURES features.

struct Arguments {
  size: u32,
  rows: u32,
  lanes: u32,
  // in the plan: [N]
  lengths: u32,
  // in the arena: [rows, size] each
  input: u32,
  d_output: u32,
  statistics: u32,
  // in the gradients
  gamma: u32,
  beta: u32,
  epsilon: f32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(2) var<storage, read> plan: array<u32>;

@compute @workgroup_size(256)
fn feature_gradients(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let feature = (group.y * groups.x + group.x) * FEATURES + thread % FEATURES;
  var share = vec2(0.0);
  if (feature < arguments.size) {
    for (var row = thread / FEATURES; row < arguments.rows; row += TURNS) {
      if (is_within(row)) {
        let dy = arena[arguments.d_output + row * arguments.size + feature];
        share += vec2(dy * normalized(row, feature), dy);
      }
    }
  }
  let sums = sum_of_turns(share, thread);
  if (thread < FEATURES && feature < arguments.size) {
    gradients[arguments.gamma + feature] = sums.x;
    gradients[arguments.beta + feature] = sums.y;
  }
}
