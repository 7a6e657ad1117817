// Gates of a cell with three: where a buffer of floats holds them, one block of `size` after the other.

alias PackedGates = vec3<Packed>;

fn unpacked(weights: PackedGates) -> Gates {
  return Gates(weights);
}

fn load_gates(at: u32, size: u32, unit: u32) -> Gates {
  return vec3(arena[at + unit], arena[at + size + unit], arena[at + 2u * size + unit]);
}

fn store_gates(at: u32, size: u32, unit: u32, gates: Gates) {
  arena[at + unit] = gates.x;
  arena[at + size + unit] = gates.y;
  arena[at + 2u * size + unit] = gates.z;
}

fn load_biases(at: u32, size: u32, unit: u32) -> Gates {
  return vec3(parameters[at + unit], parameters[at + size + unit], parameters[at + 2u * size + unit]);
}

fn inner(a: Gates, b: Gates) -> f32 {
  return dot(a, b);
}
