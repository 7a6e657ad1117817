// Adagrad, the twin of optim/adagrad.rs in rnnkit-core; keeps the sum of squares.

struct Optimizer {
  rate: f32,
  decay: f32,
  epsilon: f32,
}

fn optimizer_step(gradient: f32, before: Element) -> Element {
  let optimizer = arguments.optimizer;
  let g = gradient + optimizer.decay * before.parameter;
  let sum = before.moments.x + g * g;
  return Element(before.parameter - optimizer.rate * g / (sqrt(sum) + optimizer.epsilon), vec3(sum, 0.0, 0.0));
}
