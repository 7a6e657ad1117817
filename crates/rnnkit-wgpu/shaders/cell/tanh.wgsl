// The activation of Elman's cell, and the gradient before it from the output y and the gradient after it: the hyperbolic tangent.

fn activate(s: f32) -> f32 {
  return hyperbolic_tangent(s);
}

fn activate_back(y: f32, dy: f32) -> f32 {
  return dy * (1.0 - y * y);
}
