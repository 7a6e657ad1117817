// Elman's cell in the separate form, the twin of cell/elman.rs in rnnkit-core: h = act(input part) + act(hidden part); one gate, the
// first of the two; `kept` is the second. Joined behind a file that says its activation.

const GATES = 1u;
const HAS_CELL_STATE = false;
const KEEPS = true;
const SPLIT = true;

alias Gates = f32;
// the input part, then the hidden part
alias Sums = vec2<f32>;

fn sums_of(input: Gates, hidden: Gates) -> Sums {
  return vec2(input, hidden);
}

fn add_input(sums: Sums, weights: Gates, x: f32) -> Sums {
  return vec2(fma(weights, x, sums.x), sums.y);
}

fn add_hidden(sums: Sums, weights: Gates, h: f32) -> Sums {
  return vec2(sums.x, fma(weights, h, sums.y));
}

fn cell_forward(sums: Sums, h_previous: f32, c_previous: f32) -> UnitStep {
  let from_input = activate(sums.x);
  let from_hidden = activate(sums.y);
  return UnitStep(from_input, from_hidden, from_input + from_hidden, 0.0);
}

fn cell_backward(unit: UnitKept, dh: f32, dc_next: f32) -> UnitGradients {
  return UnitGradients(activate_back(unit.gates, dh), activate_back(unit.kept, dh), 0.0, 0.0);
}
