// What one unit of one lane reads and keeps at a time step, in either form of the recurrence. `row` is t * lanes + lane.

// Input pre-activations, bias included, where the kernel does not make them itself.
fn input_gates(layer: Layer, row: u32, unit: u32) -> Gates {
  if (layer.table == NOWHERE) {
    return load_gates(layer.gates + row * GATES * layer.size, layer.size, unit);
  }
  return load_gates(layer.table + words[row] * GATES * layer.size, layer.size, unit);
}

// Keeps what the next time step, the layer above and the way back need, apart from dropout. Past a lane's end the states are zero.
fn keep_step(layer: Layer, row: u32, lanes: u32, unit: u32, step: UnitStep, within: bool) {
  let at = row * layer.size + unit;
  let next = at + lanes * layer.size;
  store_gates(layer.gates + row * GATES * layer.size, layer.size, unit, step.gates);
  arena[layer.hidden + next] = select(0.0, step.h, within);
  if (HAS_CELL_STATE) {
    arena[layer.cell_state + next] = select(0.0, step.c, within);
  }
  if (KEEPS) {
    arena[layer.kept + at] = step.kept;
  }
}

// What the way forward kept.
fn kept_step(layer: Layer, row: u32, lanes: u32, unit: u32) -> UnitKept {
  let at = row * layer.size + unit;
  var unit_kept: UnitKept;
  unit_kept.gates = load_gates(layer.gates + row * GATES * layer.size, layer.size, unit);
  unit_kept.h_previous = arena[layer.hidden + at];
  unit_kept.h = arena[layer.hidden + at + lanes * layer.size];
  if (HAS_CELL_STATE) {
    unit_kept.c_previous = arena[layer.cell_state + at];
  }
  if (KEEPS) {
    unit_kept.kept = arena[layer.kept + at];
  }
  return unit_kept;
}

// Keeps the gradients of the pre-activations, for those of weights and input.
fn keep_gradients(layer: Layer, row: u32, unit: u32, gradients: UnitGradients) {
  store_gates(layer.d_input + row * GATES * layer.size, layer.size, unit, gradients.input);
  if (SPLIT) {
    store_gates(layer.d_hidden + row * GATES * layer.size, layer.size, unit, gradients.hidden);
  }
}

// Keeps the gradient of h, for those who ask to see it.
fn keep_state_gradient(layer: Layer, row: u32, unit: u32, dh: f32) {
  if (layer.d_state != NOWHERE) {
    arena[layer.d_state + row * layer.size + unit] = dh;
  }
}

// Keeps the gradients that flow to the time step before, apart from what flows through the hidden pre-activations.
fn keep_carry_gradients(layer: Layer, lane: u32, unit: u32, dh: f32, dc: f32) {
  let in_lane = lane * layer.size + unit;
  arena[layer.d_carry_hidden + in_lane] = dh;
  if (HAS_CELL_STATE) {
    arena[layer.d_carry_cell + in_lane] = dc;
  }
}
