// The activation of Elman's cell, and the gradient before it from the output y and the gradient after it: max(s, 0).

fn activate(s: f32) -> f32 {
  return relu(s);
}

fn activate_back(y: f32, dy: f32) -> f32 {
  return select(0.0, dy, y > 0.0);
}
