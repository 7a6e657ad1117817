// x̂ = (x - mean) / sqrt(variance + epsilon) of a feature; `arguments.statistics` says where mean and variance lie.

fn deviation(feature: u32) -> f32 {
  return sqrt(arena[arguments.statistics + arguments.size + feature] + arguments.epsilon);
}

fn normalized(row: u32, feature: u32) -> f32 {
  let x = arena[arguments.input + row * arguments.size + feature];
  return (x - arena[arguments.statistics + feature]) / deviation(feature);
}
