// Elman's cell, the twin of cell/elman.rs in rnnkit-core; one gate, h itself. Joined behind a file that says its
// activation.

const GATES = 1u;
const HAS_CELL_STATE = false;
const KEEPS = false;
const SPLIT = false;

alias Gates = f32;
alias Sums = f32;

fn sums_of(input: Gates, hidden: Gates) -> Sums {
  return input + hidden;
}

fn add_input(sums: Sums, weights: Gates, x: f32) -> Sums {
  return fma(weights, x, sums);
}

fn add_hidden(sums: Sums, weights: Gates, h: f32) -> Sums {
  return fma(weights, h, sums);
}

fn cell_forward(sums: Sums, h_previous: f32, c_previous: f32) -> UnitStep {
  let h = activate(sums);
  return UnitStep(h, 0.0, h, 0.0);
}

fn cell_backward(unit: UnitKept, dh: f32, dc_next: f32) -> UnitGradients {
  let d = activate_back(unit.h, dh);
  return UnitGradients(d, d, 0.0, 0.0);
}
