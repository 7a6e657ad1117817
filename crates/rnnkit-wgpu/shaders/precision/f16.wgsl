// Packed weights of 16 bits; sums and states stay f32.
enable f16;

alias Packed = f16;

// The largest finite number of 16 bits.
const LARGEST_PACKED = 65504.0;

// NaN where 16 bits do not hold the weight: infinity would pass as a saturated gate, while NaN reaches the loss.
fn packed_number(x: f32) -> Packed {
  return Packed(select(x, bitcast<f32>(bitcast<u32>(x) | 0x7fc00000u), abs(x) > LARGEST_PACKED));
}
