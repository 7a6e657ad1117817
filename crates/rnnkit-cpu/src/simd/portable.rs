//! Vectors as plain arrays: what runs where no wider instruction set is known, in loops that the compiler vectorises.

use super::set::{LANES, SQRT_HALF_BITS, Simd};
use super::stored::Bf16;

/// True where a fused multiply-add is one instruction of every machine of this architecture; elsewhere it would be a slow call.
const FUSED_HERE: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// The portable form as this machine runs it.
pub(super) type Portable = Array<FUSED_HERE>;

/// Vectors as arrays, with multiply-adds rounded once (`FUSED`) or twice.
#[derive(Clone, Copy)]
pub(super) struct Array<const FUSED: bool>;

impl<const FUSED: bool> Array<FUSED> {
    /// True if a multiply-add is rounded once.
    pub(super) const FUSED: bool = FUSED;
}

type Raw = [f32; LANES];

/// An array made from an expression of the lane's index: a closure would not be sure to be inlined.
macro_rules! each {
    ($i:ident => $value:expr) => {{
        let mut out = [0.0; LANES];
        for $i in 0..LANES {
            out[$i] = $value;
        }
        out
    }};
}

impl<const FUSED: bool> Simd for Array<FUSED> {
    type Raw = Raw;
    // 16 lanes take four registers of 128 bits; NEON has 32 of them, SSE2 has 16.
    const TILE_ROWS: usize = if cfg!(target_arch = "aarch64") { 6 } else { 2 };
    const PANEL_VECTORS: usize = 1;

    #[inline(always)]
    fn splat(x: f32) -> Raw {
        [x; LANES]
    }
    #[inline(always)]
    fn add(a: Raw, b: Raw) -> Raw {
        each!(i => a[i] + b[i])
    }
    #[inline(always)]
    fn sub(a: Raw, b: Raw) -> Raw {
        each!(i => a[i] - b[i])
    }
    #[inline(always)]
    fn mul(a: Raw, b: Raw) -> Raw {
        each!(i => a[i] * b[i])
    }
    #[inline(always)]
    fn div(a: Raw, b: Raw) -> Raw {
        each!(i => a[i] / b[i])
    }
    #[inline(always)]
    fn mul_add(a: Raw, b: Raw, c: Raw) -> Raw {
        if FUSED { each!(i => a[i].mul_add(b[i], c[i])) } else { each!(i => a[i] * b[i] + c[i]) }
    }
    #[inline(always)]
    fn sqrt(a: Raw) -> Raw {
        each!(i => a[i].sqrt())
    }
    #[inline(always)]
    fn max(a: Raw, b: Raw) -> Raw {
        each!(i => if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn min(a: Raw, b: Raw) -> Raw {
        each!(i => if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn select_less(a: Raw, b: Raw, yes: Raw, no: Raw) -> Raw {
        each!(i => if a[i] < b[i] { yes[i] } else { no[i] })
    }
    #[inline(always)]
    fn abs(a: Raw) -> Raw {
        each!(i => a[i].abs())
    }
    #[inline(always)]
    fn copysign(a: Raw, sign: Raw) -> Raw {
        each!(i => a[i].copysign(sign[i]))
    }
    #[inline(always)]
    fn power_of_two(shifted: Raw) -> Raw {
        each!(i => f32::from_bits(shifted[i].to_bits().wrapping_add(127) << 23))
    }
    #[inline(always)]
    fn split_exponent(a: Raw) -> (Raw, Raw) {
        let exponent = each!(i => ((a[i].to_bits() as i32).wrapping_sub(SQRT_HALF_BITS) >> 23) as f32);
        let mantissa = each!(i => {
            let bits = a[i].to_bits() as i32;
            f32::from_bits(bits.wrapping_sub((bits.wrapping_sub(SQRT_HALF_BITS) >> 23) << 23) as u32)
        });
        (mantissa, exponent)
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Raw {
        // SAFETY: the caller vouches for LANES values; an array of f32 is aligned like one.
        unsafe { *from.cast::<Raw>() }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Raw {
        let mut out = [0.0; LANES];
        // SAFETY: the caller vouches for `count` <= LANES values.
        unsafe { std::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), count) };
        out
    }
    #[inline(always)]
    unsafe fn load_bf16(from: *const Bf16) -> Raw {
        // SAFETY: the caller vouches for LANES values; an array is aligned like one of them.
        let from = unsafe { *from.cast::<[Bf16; LANES]>() };
        each!(i => from[i].widen())
    }
    #[inline(always)]
    unsafe fn store(a: Raw, to: *mut f32) {
        // SAFETY: the caller vouches for LANES values; an array of f32 is aligned like one.
        unsafe { *to.cast::<Raw>() = a }
    }
    #[inline(always)]
    unsafe fn store_first(a: Raw, to: *mut f32, count: usize) {
        // SAFETY: the caller vouches for `count` <= LANES values.
        unsafe { std::ptr::copy_nonoverlapping(a.as_ptr(), to, count) };
    }
}
