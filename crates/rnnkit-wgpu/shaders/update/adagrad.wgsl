// Adagrad, the twin of optim/adagrad.rs in rnnkit-core; keeps the sum of squares.

struct Optimizer {
  // of the parameter
  shrink: f32,
  // of the parameter in the gradient
  penalty: f32,
  // one of the two is 0
  epsilon_inside: f32,
  epsilon_outside: f32,
  rate: f32,
}

fn optimizer_step(gradient: f32, before: Element) -> Element {
  let optimizer = arguments.optimizer;
  let g = gradient + optimizer.penalty * before.parameter;
  let sum = before.moments.x + g * g;
  let change = optimizer.rate * g / (sqrt(sum + optimizer.epsilon_inside) + optimizer.epsilon_outside);
  return Element(before.parameter * optimizer.shrink - change, vec3(sum, 0.0, 0.0));
}
