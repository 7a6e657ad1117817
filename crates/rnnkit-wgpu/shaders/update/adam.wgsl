// Adam, AMSGrad and AdamW, the twin of optim/adam.rs in rnnkit-core; keeps mean, mean square and, with MOMENTS = 3, the largest of the
// latter.

struct Optimizer {
  // of the parameter
  shrink: f32,
  // of the parameter in the gradient
  penalty: f32,
  kept1: f32,
  new1: f32,
  kept2: f32,
  new2: f32,
  // learning rate / (1 - beta1^t)
  rate: f32,
  // 1 / sqrt(1 - beta2^t)
  root_scale: f32,
  // beside the corrected root
  epsilon: f32,
}

fn optimizer_step(gradient: f32, before: Element) -> Element {
  let optimizer = arguments.optimizer;
  let g = gradient + optimizer.penalty * before.parameter;
  let mean = optimizer.kept1 * before.moments.x + optimizer.new1 * g;
  let square = optimizer.kept2 * before.moments.y + optimizer.new2 * g * g;
  var below = square;
  if (MOMENTS == 3u) {
    below = max(before.moments.z, square);
  }
  let change = optimizer.rate * mean / (sqrt(below) * optimizer.root_scale + optimizer.epsilon);
  return Element(before.parameter * optimizer.shrink - change, vec3(mean, square, below));
}
