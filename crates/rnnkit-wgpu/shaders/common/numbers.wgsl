// Elementary functions of the cells, and tests of numbers by their bits: a driver may compile arithmetic as if there were no NaN.

fn is_nan_bits(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn is_finite_bits(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

// 1 / (1 + e^-x). Beyond 87 either e^-x or the quotient leaves f32; a clamp would hide a NaN. A gate further down is shut: what it
// multiplies may be large.
fn sigmoid(x: f32) -> f32 {
  let y = 1.0 / (1.0 + exp(-clamp(x, -87.0, 87.0)));
  return select(select(y, 0.0, x < -87.0), x, is_nan_bits(x));
}

// The built-in overflows to NaN on some drivers, and near 0 a quotient of exponentials loses all digits: there, the odd polynomial.
fn hyperbolic_tangent(x: f32) -> f32 {
  let size = min(abs(x), 10.0);
  let square = size * size;
  // tanh(x)/x, Taylor, below 0.3: the first term left out is 2e-9 of the value
  let near = size + size * square * (-0.33333333 + square * (0.13333333 + square * (-0.053968254 + square * (0.021869488 + square * (-0.0088632355 + square * 0.0035921280)))));
  let far = 1.0 - 2.0 / (exp(2.0 * size) + 1.0);
  let y = select(far, near, size < 0.3);
  return select(select(y, -y, x < 0.0), x, is_nan_bits(x));
}

// max(x, 0); NaN stays NaN, also where a driver makes the comparison a maximum, whose other operand is the answer to NaN.
fn relu(x: f32) -> f32 {
  return select(select(x, 0.0, x < 0.0), x, is_nan_bits(x));
}
