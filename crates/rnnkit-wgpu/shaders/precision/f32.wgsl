// Packed weights of 32 bits.

alias Packed = f32;

fn packed_number(x: f32) -> Packed {
  return x;
}
