// What one call leaves behind on the device: the sticky status, the scalars of the step in work, and a report for each window.

// `first_bad` while all is well.
const NONE_BAD = 0xffffffffu;

struct WindowReport {
  // the objective, reduced as the spec says
  loss: f32,
  // sum of -ln p(target), or of squares
  nats: f32,
  // the gradients' norm is largest * sqrt(squares): squares of numbers divided by the largest cannot overflow
  largest: f32,
  squares: f32,
  clipped: u32,
}

struct State {
  // the first window whose loss, gradients or step were not finite: it and all after it write nothing
  first_bad: atomic<u32>,
  // what all gradients are multiplied by
  scale: f32,
  // 1: the step could overflow, so it is tried before it is done
  wild: u32,
  // what a root mean squared error multiplies all gradients of the logits by
  factor: f32,
  reports: array<WindowReport>,
}
