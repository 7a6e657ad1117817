// Gates of a cell with one: where a buffer of floats holds them, one block of `size` after the other.

alias PackedGates = Packed;

fn unpacked(weights: PackedGates) -> Gates {
  return Gates(weights);
}

fn load_gates(at: u32, size: u32, unit: u32) -> Gates {
  return arena[at + unit];
}

fn store_gates(at: u32, size: u32, unit: u32, gates: Gates) {
  arena[at + unit] = gates;
}

fn load_biases(at: u32, size: u32, unit: u32) -> Gates {
  return parameters[at + unit];
}

fn inner(a: Gates, b: Gates) -> f32 {
  return a * b;
}
