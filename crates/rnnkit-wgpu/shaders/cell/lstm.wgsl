// Long short-term memory, the twin of cell/lstm.rs in rnnkit-core; gates i, f, g, o; `kept` is tanh(c).

const GATES = 4u;
const HAS_CELL_STATE = true;
const KEEPS = true;
const SPLIT = false;

alias Gates = vec4<f32>;
// The pre-activations: input and hidden parts are used only together.
alias Sums = vec4<f32>;

fn sums_of(input: Gates, hidden: Gates) -> Sums {
  return input + hidden;
}

fn add_input(sums: Sums, weights: Gates, x: f32) -> Sums {
  return fma(weights, vec4(x), sums);
}

fn add_hidden(sums: Sums, weights: Gates, h: f32) -> Sums {
  return fma(weights, vec4(h), sums);
}

fn cell_forward(sums: Sums, h_previous: f32, c_previous: f32) -> UnitStep {
  let i = sigmoid(sums.x);
  let f = sigmoid(sums.y);
  let g = hyperbolic_tangent(sums.z);
  let o = sigmoid(sums.w);
  let c = fma(f, c_previous, i * g);
  let tanh_c = hyperbolic_tangent(c);
  return UnitStep(vec4(i, f, g, o), tanh_c, o * tanh_c, c);
}

fn cell_backward(unit: UnitKept, dh: f32, dc_next: f32) -> UnitGradients {
  let i = unit.gates.x;
  let f = unit.gates.y;
  let g = unit.gates.z;
  let o = unit.gates.w;
  let tanh_c = unit.kept;
  let dc = fma(dh * o, 1.0 - tanh_c * tanh_c, dc_next);
  let pre = vec4(dc * g * i * (1.0 - i), dc * unit.c_previous * f * (1.0 - f), dc * i * (1.0 - g * g), dh * tanh_c * o * (1.0 - o));
  return UnitGradients(pre, pre, 0.0, dc * f);
}
