// What one piece of the gradients gives to their global norm: largest * sqrt(squares).

struct NormPart {
  largest: f32,
  squares: f32,
  // 1: a gradient is not finite
  bad: u32,
  // 1: a gradient was clipped
  clipped: u32,
}
