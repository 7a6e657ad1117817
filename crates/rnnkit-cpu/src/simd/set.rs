//! [`Simd`]: what an instruction set supplies; everything else is written over it.

use super::stored::Bf16;

/// Values in one vector, on every instruction set.
pub const LANES: usize = 16;

/// The primitive operations of an instruction set on [`LANES`] values of f32, each elementwise and correctly rounded.
///
/// Wherever two values are compared, a NaN makes the comparison false.
pub trait Simd: Copy + 'static {
    /// The registers that hold one vector.
    type Raw: Copy;
    /// Rows of the largest register tile of a product.
    const TILE_ROWS: usize;
    /// Vectors side by side in a register tile, 1 or 2: a packed panel is this many times [`LANES`] wide.
    const PANEL_VECTORS: usize;

    /// `x` in every lane.
    fn splat(x: f32) -> Self::Raw;
    /// a + b.
    fn add(a: Self::Raw, b: Self::Raw) -> Self::Raw;
    /// a - b.
    fn sub(a: Self::Raw, b: Self::Raw) -> Self::Raw;
    /// a * b.
    fn mul(a: Self::Raw, b: Self::Raw) -> Self::Raw;
    /// a / b.
    fn div(a: Self::Raw, b: Self::Raw) -> Self::Raw;
    /// a * b + c, rounded once where the machine can, else twice.
    fn mul_add(a: Self::Raw, b: Self::Raw, c: Self::Raw) -> Self::Raw;
    /// Square root.
    fn sqrt(a: Self::Raw) -> Self::Raw;
    /// `a` where a > b, else `b`.
    fn max(a: Self::Raw, b: Self::Raw) -> Self::Raw;
    /// `a` where a < b, else `b`.
    fn min(a: Self::Raw, b: Self::Raw) -> Self::Raw;
    /// `yes` where a < b, else `no`.
    fn select_less(a: Self::Raw, b: Self::Raw, yes: Self::Raw, no: Self::Raw) -> Self::Raw;
    /// The magnitude.
    fn abs(a: Self::Raw) -> Self::Raw;
    /// The magnitude of `a` with the sign of `sign`.
    fn copysign(a: Self::Raw, sign: Self::Raw) -> Self::Raw;
    /// 2^n, from `shifted` = n + 1.5 * 2^23 with an integer n in -126..=127: the low bits of such a sum are those of n.
    fn power_of_two(shifted: Self::Raw) -> Self::Raw;
    /// a * 2^n, rounded once, for an a around 1 and an integer n of at most 252 in magnitude; NaN of a NaN.
    #[inline(always)]
    fn times_power_of_two(a: Self::Raw, n: Self::Raw) -> Self::Raw {
        // By two factors: 2^n may be too large for a number, or so small that the second product rounds to a denormal.
        let shift = Self::splat(SHIFT);
        let first = Self::mul_add(n, Self::splat(0.5), shift);
        let second = Self::add(Self::sub(n, Self::sub(first, shift)), shift);
        Self::mul(Self::mul(a, Self::power_of_two(first)), Self::power_of_two(second))
    }
    /// (m, e) with a = m * 2^e, m about in [sqrt(1/2), sqrt(2)), for a normal positive `a`.
    fn split_exponent(a: Self::Raw) -> (Self::Raw, Self::Raw);

    /// Asks for the cache line at `at` before it is wanted. A hint: it need not be readable, and an instruction set may do nothing.
    #[inline(always)]
    fn prefetch(at: *const f32) {
        let _ = at;
    }
    /// The vector at `from`.
    ///
    /// # Safety
    /// [`LANES`] values at `from` are readable.
    unsafe fn load(from: *const f32) -> Self::Raw;
    /// The first `count` values at `from`, zeros behind them.
    ///
    /// # Safety
    /// `count` <= [`LANES`], and `count` values at `from` are readable.
    unsafe fn load_first(from: *const f32, count: usize) -> Self::Raw;
    /// The vector of numbers of 16 bits at `from`, each widened: its bits are the upper half of an f32's.
    ///
    /// # Safety
    /// [`LANES`] values at `from` are readable.
    unsafe fn load_bf16(from: *const Bf16) -> Self::Raw;
    /// Writes the vector to `to`.
    ///
    /// # Safety
    /// [`LANES`] values at `to` are writable.
    unsafe fn store(a: Self::Raw, to: *mut f32);
    /// Writes the first `count` lanes to `to`.
    ///
    /// # Safety
    /// `count` <= [`LANES`], and `count` values at `to` are writable.
    unsafe fn store_first(a: Self::Raw, to: *mut f32, count: usize);
}

/// Added to a value below 2^22 in magnitude, rounds it to an integer, which the low bits of the sum then hold: 1.5 * 2^23.
pub(super) const SHIFT: f32 = 12_582_912.0;

/// Bits of sqrt(1/2): a mantissa is cut there, so that the logarithm's argument lies around 1.
pub(super) const SQRT_HALF_BITS: i32 = 0x3f35_04f3;
