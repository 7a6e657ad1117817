// Stochastic gradient descent, the twin of optim/sgd.rs in rnnkit-core; joined behind a file that says MOMENTS: with or without buffer.

struct Optimizer {
  rate: f32,
  decay: f32,
  momentum: f32,
  // of a new gradient in the buffer
  share: f32,
  nesterov: u32,
}

fn optimizer_step(gradient: f32, before: Element) -> Element {
  let optimizer = arguments.optimizer;
  let g = gradient + optimizer.decay * before.parameter;
  if (MOMENTS == 0u) {
    return Element(before.parameter - optimizer.rate * g, vec3(0.0));
  }
  let buffer = optimizer.momentum * before.moments.x + optimizer.share * g;
  let change = select(buffer, g + optimizer.momentum * buffer, optimizer.nesterov == 1u);
  return Element(before.parameter - optimizer.rate * change, vec3(buffer, 0.0, 0.0));
}
