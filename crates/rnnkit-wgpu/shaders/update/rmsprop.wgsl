// RMSprop, the twin of optim/rmsprop.rs in rnnkit-core; keeps the mean square, with momentum its buffer, centered the mean. Joined behind a
// file that says MOMENTS; the moments lie in this order, without those that are not kept.

struct Optimizer {
  // of the parameter
  shrink: f32,
  // of the parameter in the gradient
  penalty: f32,
  // one of the two is 0
  epsilon_inside: f32,
  epsilon_outside: f32,
  kept: f32,
  new_share: f32,
  momentum: f32,
  // of what enters the buffer
  inner_rate: f32,
  // of what is subtracted
  rate: f32,
  has_buffer: u32,
  centered: u32,
}

fn optimizer_step(gradient: f32, before: Element) -> Element {
  let optimizer = arguments.optimizer;
  let g = gradient + optimizer.penalty * before.parameter;
  var after = Element(before.parameter, before.moments);
  let square = optimizer.kept * before.moments.x + optimizer.new_share * g * g;
  after.moments.x = square;
  var variance = square;
  if (optimizer.centered == 1u) {
    // the mean stands behind the buffer, if there is one
    let mean_before = select(before.moments.y, before.moments.z, optimizer.has_buffer == 1u);
    let mean = optimizer.kept * mean_before + optimizer.new_share * g;
    // never negative but for rounding, whose root would be NaN
    variance = relu(variance - mean * mean);
    if (optimizer.has_buffer == 1u) {
      after.moments.z = mean;
    } else {
      after.moments.y = mean;
    }
  }
  var change = optimizer.inner_rate * g / (sqrt(variance + optimizer.epsilon_inside) + optimizer.epsilon_outside);
  if (optimizer.has_buffer == 1u) {
    change = optimizer.momentum * before.moments.y + change;
    after.moments.y = change;
  }
  after.parameter = before.parameter * optimizer.shrink - optimizer.rate * change;
  return after;
}
