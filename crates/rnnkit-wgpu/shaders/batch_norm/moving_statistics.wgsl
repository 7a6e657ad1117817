// The moving statistics take their share of a window's, unless the call went bad. A thread a feature.

struct Arguments {
  size: u32,
  // in the arena: mean and variance, [size] each
  statistics: u32,
  // in the parameters, [size] each
  moving_mean: u32,
  moving_variance: u32,
  // 1 - momentum
  new_share: f32,
}

var<immediate> arguments: Arguments;
@group(0) @binding(0) var<storage, read_write> arena: array<f32>;
@group(0) @binding(1) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: State;

// As a difference, so that a statistic that is the moving one itself leaves it as it is.
fn moved(old: f32, new_value: f32) -> f32 {
  return old + arguments.new_share * (new_value - old);
}

@compute @workgroup_size(64)
fn moving_statistics(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let feature = (group.y * groups.x + group.x) * 64u + thread;
  if (feature >= arguments.size || atomicLoad(&state.first_bad) != NONE_BAD) {
    return;
  }
  let mean = arguments.moving_mean + feature;
  let variance = arguments.moving_variance + feature;
  parameters[mean] = moved(parameters[mean], arena[arguments.statistics + feature]);
  parameters[variance] = moved(parameters[variance], arena[arguments.statistics + arguments.size + feature]);
}
