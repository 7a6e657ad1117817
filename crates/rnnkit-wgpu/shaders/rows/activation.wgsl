// Activations of dense layers, numbered as the host numbers them.

const LINEAR = 0u;
const TANH = 1u;
const RELU = 2u;
const SIGMOID = 3u;

fn activated(activation: u32, s: f32) -> f32 {
  switch activation {
    case TANH: { return hyperbolic_tangent(s); }
    case RELU: { return relu(s); }
    case SIGMOID: { return sigmoid(s); }
    default: { return s; }
  }
}

// Gradient before the activation, from the output y and the gradient after it.
fn activation_gradient(activation: u32, y: f32, dy: f32) -> f32 {
  switch activation {
    case TANH: { return dy * (1.0 - y * y); }
    case RELU: { return select(0.0, dy, y > 0.0); }
    case SIGMOID: { return dy * y * (1.0 - y); }
    default: { return dy; }
  }
}
