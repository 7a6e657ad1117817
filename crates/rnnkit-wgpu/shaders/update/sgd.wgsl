// Stochastic gradient descent, the twin of optim/sgd.rs in rnnkit-core; joined behind a file that says MOMENTS: with or without buffer.

struct Optimizer {
  // of the parameter
  shrink: f32,
  // of the parameter in the gradient
  penalty: f32,
  momentum: f32,
  // of a new gradient in the buffer
  share: f32,
  // of what is subtracted
  rate: f32,
  nesterov: u32,
}

fn optimizer_step(gradient: f32, before: Element) -> Element {
  let optimizer = arguments.optimizer;
  let new_part = optimizer.share * (gradient + optimizer.penalty * before.parameter);
  let kept = optimizer.shrink * before.parameter;
  if (MOMENTS == 0u) {
    return Element(kept - optimizer.rate * new_part, vec3(0.0));
  }
  let buffer = optimizer.momentum * before.moments.x + new_part;
  let change = select(buffer, new_part + optimizer.momentum * buffer, optimizer.nesterov == 1u);
  return Element(kept - optimizer.rate * change, vec3(buffer, 0.0, 0.0));
}
