// Packed weights of 32 bits.

alias Packed = f32;
