// What one unit of one lane takes and gives in a time step, whatever its cell; the twin of cell/mod.rs in rnnkit-core. A cell's file
// says GATES, HAS_CELL_STATE, KEEPS and SPLIT, the types Gates and Sums, and the functions on them.

struct UnitStep {
  // activated, in the cell's order
  gates: Gates,
  // one more value that the way back needs
  kept: f32,
  h: f32,
  c: f32,
}

struct UnitKept {
  gates: Gates,
  kept: f32,
  h: f32,
  h_previous: f32,
  c_previous: f32,
}

struct UnitGradients {
  // with respect to the input's pre-activations
  input: Gates,
  // with respect to the hidden pre-activations
  hidden: Gates,
  // with respect to the h before, apart from what flows through the hidden pre-activations
  h: f32,
  // with respect to the c before
  c: f32,
}
