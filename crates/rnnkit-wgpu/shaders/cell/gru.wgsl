// Gated recurrent unit with the reset gate after the hidden product, the twin of cell/gru.rs in rnnkit-core; gates r, z, n;
// `kept` is b_n, the candidate's hidden part.

const GATES = 3u;
const HAS_CELL_STATE = false;
const KEEPS = true;
const SPLIT = true;

alias Gates = vec3<f32>;
// r and z as sums of input and hidden part; then n's input part, then its hidden part.
alias Sums = vec4<f32>;

fn sums_of(input: Gates, hidden: Gates) -> Sums {
  return vec4(input.xy + hidden.xy, input.z, hidden.z);
}

fn add_input(sums: Sums, weights: Gates, x: f32) -> Sums {
  return fma(vec4(weights, 0.0), vec4(x), sums);
}

fn add_hidden(sums: Sums, weights: Gates, h: f32) -> Sums {
  return fma(vec4(weights.xy, 0.0, weights.z), vec4(h), sums);
}

fn cell_forward(sums: Sums, h_previous: f32, c_previous: f32) -> UnitStep {
  let r = sigmoid(sums.x);
  let z = sigmoid(sums.y);
  let n = hyperbolic_tangent(fma(r, sums.w, sums.z));
  let h = fma(z, h_previous - n, n);
  return UnitStep(vec3(r, z, n), sums.w, h, 0.0);
}

fn cell_backward(unit: UnitKept, dh: f32, dc_next: f32) -> UnitGradients {
  let r = unit.gates.x;
  let z = unit.gates.y;
  let n = unit.gates.z;
  let dz = dh * (unit.h_previous - n) * z * (1.0 - z);
  let da_n = dh * (1.0 - z) * (1.0 - n * n);
  let dr = da_n * unit.kept * r * (1.0 - r);
  return UnitGradients(vec3(dr, dz, da_n), vec3(dr, dz, da_n * r), dh * z, 0.0);
}
