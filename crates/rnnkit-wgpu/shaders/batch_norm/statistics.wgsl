// What a batch normalisation normalises by: each feature's mean and biased variance over the rows within their lanes' lengths, or its
// moving statistics. Two passes, so that a mean that is large beside the deviation takes no digits from the variance. A workgroup for
// FEATURES features. A statistic that is not finite makes the window a bad one.

struct Arguments {
  size: u32,
  // rows T * N of the window, and those within their lanes' lengths
  rows: u32,
  count: f32,
  lanes: u32,
  // in the plan: [N]
  lengths: u32,
  // in the arena: [rows, size], and the mean and then the variance, [size] each
  input: u32,
  statistics: u32,
  // in the parameters, [size] each
  moving_mean: u32,
  moving_variance: u32,
  // 0: take the moving statistics
  by_window: u32,
  window: u32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(2) var<storage, read> plan: array<u32>;
@group(0) @binding(3) var<storage, read_write> state: State;

// A thread's share of a feature's sum: of x, or with a center of (x - center)².
fn share_of(feature: u32, center: f32, squares: bool, thread: u32) -> f32 {
  var sum = 0.0;
  if (feature >= arguments.size) {
    return sum;
  }
  for (var row = thread / FEATURES; row < arguments.rows; row += TURNS) {
    if (is_within(row)) {
      let x = arena[arguments.input + row * arguments.size + feature] - center;
      sum += select(x, x * x, squares);
    }
  }
  return sum;
}

@compute @workgroup_size(256)
fn statistics(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let feature = (group.y * groups.x + group.x) * FEATURES + thread % FEATURES;
  var mean = 0.0;
  var variance = 0.0;
  if (arguments.by_window == 1u) {
    mean = sum_of_turns(vec2(share_of(feature, 0.0, false, thread), 0.0), thread).x / arguments.count;
    variance = sum_of_turns(vec2(share_of(feature, mean, true, thread), 0.0), thread).x / arguments.count;
  }
  if (thread >= FEATURES || feature >= arguments.size) {
    return;
  }
  if (arguments.by_window == 0u) {
    mean = parameters[arguments.moving_mean + feature];
    variance = parameters[arguments.moving_variance + feature];
  } else if (!is_finite_bits(mean) || !is_finite_bits(variance)) {
    atomicMin(&state.first_bad, arguments.window);
  }
  arena[arguments.statistics + feature] = mean;
  arena[arguments.statistics + arguments.size + feature] = variance;
}
