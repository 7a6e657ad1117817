// Packed weights of 16 bits; sums and states stay f32.
enable f16;

alias Packed = f16;
