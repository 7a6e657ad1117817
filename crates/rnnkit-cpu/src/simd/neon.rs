//! NEON: a vector is four registers of 128 bits.
//!
//! Maximum, minimum and selection are a comparison and a choice bit by bit: `vmaxq_f32` and `vminq_f32` would give a NaN
//! where [`Simd`] wants the second operand, and they tell the zeros apart.

use super::set::{LANES, SQRT_HALF_BITS, Simd};
use super::stored::Bf16;
use std::arch::aarch64::*;

/// NEON. Named by the dispatch alone, which has made sure of the instructions.
#[derive(Clone, Copy)]
pub(super) struct Neon;

/// Lanes 0..4, 4..8, 8..12 and 12..16.
#[derive(Clone, Copy)]
pub(super) struct Quad(float32x4_t, float32x4_t, float32x4_t, float32x4_t);

/// Lanes in one register.
const QUARTER: usize = LANES / 4;

/// Calls an intrinsic: the obligation of every one without pointers is the instruction set.
macro_rules! neon {
    ($call:expr) => {
        // SAFETY: the type is reached through the dispatch alone, which found NEON on this machine.
        unsafe { $call }
    };
}

/// One intrinsic, or one of the functions below, on all four quarters of its operands.
macro_rules! all {
    ($call:ident($($x:expr),+)) => {
        neon!(Quad($call($($x.0),+), $call($($x.1),+), $call($($x.2),+), $call($($x.3),+)))
    };
}

#[inline]
#[target_feature(enable = "neon")]
fn mul_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
    vfmaq_f32(c, a, b)
}

#[inline]
#[target_feature(enable = "neon")]
fn max(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    vbslq_f32(vcgtq_f32(a, b), a, b)
}

#[inline]
#[target_feature(enable = "neon")]
fn select_less(a: float32x4_t, b: float32x4_t, yes: float32x4_t, no: float32x4_t) -> float32x4_t {
    vbslq_f32(vcltq_f32(a, b), yes, no)
}

#[inline]
#[target_feature(enable = "neon")]
fn copysign(a: float32x4_t, sign: float32x4_t) -> float32x4_t {
    vbslq_f32(vdupq_n_u32(1 << 31), sign, a)
}

#[inline]
#[target_feature(enable = "neon")]
fn power_of_two(shifted: float32x4_t) -> float32x4_t {
    let biased = vaddq_s32(vreinterpretq_s32_f32(shifted), vdupq_n_s32(127));
    vreinterpretq_f32_s32(vshlq_n_s32::<23>(biased))
}

#[inline]
#[target_feature(enable = "neon")]
fn exponent(a: float32x4_t) -> int32x4_t {
    vshrq_n_s32::<23>(vsubq_s32(vreinterpretq_s32_f32(a), vdupq_n_s32(SQRT_HALF_BITS)))
}

#[inline]
#[target_feature(enable = "neon")]
fn exponent_as_float(a: float32x4_t) -> float32x4_t {
    vcvtq_f32_s32(exponent(a))
}

#[inline]
#[target_feature(enable = "neon")]
fn mantissa(a: float32x4_t) -> float32x4_t {
    vreinterpretq_f32_s32(vsubq_s32(vreinterpretq_s32_f32(a), vshlq_n_s32::<23>(exponent(a))))
}

/// The first `count` values from lane `first` on at `from` + `first`, zeros behind them. No other memory is touched.
///
/// # Safety
/// The first `count` values at `from` are readable.
#[inline(always)]
unsafe fn load_quarter(from: *const f32, first: usize, count: usize) -> float32x4_t {
    // The address may lie past the end where nothing is read, so it is made without `add`.
    let (from, zero) = (from.wrapping_add(first), neon!(vdup_n_f32(0.0)));
    // SAFETY: as `neon!`; each arm reads as many values as remain from lane `first` on, for which the caller vouches.
    unsafe {
        match count.saturating_sub(first) {
            0 => vcombine_f32(zero, zero),
            1 => vcombine_f32(vld1_lane_f32::<0>(from, zero), zero),
            2 => vcombine_f32(vld1_f32(from), zero),
            3 => vcombine_f32(vld1_f32(from), vld1_lane_f32::<0>(from.add(2), zero)),
            _ => vld1q_f32(from),
        }
    }
}

/// Writes the first of `count` values that lanes `first`.. hold to `to` + `first`. No other memory is touched.
///
/// # Safety
/// The first `count` values at `to` are writable.
#[inline(always)]
unsafe fn store_quarter(a: float32x4_t, to: *mut f32, first: usize, count: usize) {
    let to = to.wrapping_add(first);
    // SAFETY: as `load_quarter`.
    unsafe {
        match count.saturating_sub(first) {
            0 => {}
            1 => vst1q_lane_f32::<0>(to, a),
            2 => vst1_f32(to, vget_low_f32(a)),
            3 => {
                vst1_f32(to, vget_low_f32(a));
                vst1q_lane_f32::<2>(to.add(2), a);
            }
            _ => vst1q_f32(to, a),
        }
    }
}

/// Four numbers of 16 bits, widened.
///
/// # Safety
/// They are readable.
#[inline(always)]
unsafe fn load_bf16_quarter(from: *const Bf16) -> float32x4_t {
    // SAFETY: as `neon!`; the caller vouches for the memory.
    unsafe { vreinterpretq_f32_u32(vshlq_n_u32::<16>(vmovl_u16(vld1_u16(from.cast())))) }
}

impl Simd for Neon {
    type Raw = Quad;
    // 6 x 4 sums, 4 registers of B and a broadcast fit into 32 registers; a seventh row would not.
    const TILE_ROWS: usize = 6;
    const PANEL_VECTORS: usize = 1;

    #[inline(always)]
    fn splat(x: f32) -> Quad {
        let x = neon!(vdupq_n_f32(x));
        Quad(x, x, x, x)
    }
    #[inline(always)]
    fn add(a: Quad, b: Quad) -> Quad {
        all!(vaddq_f32(a, b))
    }
    #[inline(always)]
    fn sub(a: Quad, b: Quad) -> Quad {
        all!(vsubq_f32(a, b))
    }
    #[inline(always)]
    fn mul(a: Quad, b: Quad) -> Quad {
        all!(vmulq_f32(a, b))
    }
    #[inline(always)]
    fn div(a: Quad, b: Quad) -> Quad {
        all!(vdivq_f32(a, b))
    }
    #[inline(always)]
    fn mul_add(a: Quad, b: Quad, c: Quad) -> Quad {
        all!(mul_add(a, b, c))
    }
    #[inline(always)]
    fn sqrt(a: Quad) -> Quad {
        all!(vsqrtq_f32(a))
    }
    #[inline(always)]
    fn max(a: Quad, b: Quad) -> Quad {
        all!(max(a, b))
    }
    #[inline(always)]
    fn min(a: Quad, b: Quad) -> Quad {
        all!(select_less(a, b, a, b))
    }
    #[inline(always)]
    fn select_less(a: Quad, b: Quad, yes: Quad, no: Quad) -> Quad {
        all!(select_less(a, b, yes, no))
    }
    #[inline(always)]
    fn abs(a: Quad) -> Quad {
        all!(vabsq_f32(a))
    }
    #[inline(always)]
    fn copysign(a: Quad, sign: Quad) -> Quad {
        all!(copysign(a, sign))
    }
    #[inline(always)]
    fn power_of_two(shifted: Quad) -> Quad {
        all!(power_of_two(shifted))
    }
    #[inline(always)]
    fn split_exponent(a: Quad) -> (Quad, Quad) {
        (all!(mantissa(a)), all!(exponent_as_float(a)))
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Quad {
        // SAFETY: as `neon!`; the caller vouches for LANES values.
        unsafe { Quad(vld1q_f32(from), vld1q_f32(from.add(QUARTER)), vld1q_f32(from.add(2 * QUARTER)), vld1q_f32(from.add(3 * QUARTER))) }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Quad {
        // SAFETY: as `neon!`; the caller vouches for `count` values.
        unsafe {
            Quad(
                load_quarter(from, 0, count),
                load_quarter(from, QUARTER, count),
                load_quarter(from, 2 * QUARTER, count),
                load_quarter(from, 3 * QUARTER, count),
            )
        }
    }
    #[inline(always)]
    unsafe fn load_bf16(from: *const Bf16) -> Quad {
        // SAFETY: the caller vouches for LANES values.
        unsafe {
            Quad(
                load_bf16_quarter(from),
                load_bf16_quarter(from.add(QUARTER)),
                load_bf16_quarter(from.add(2 * QUARTER)),
                load_bf16_quarter(from.add(3 * QUARTER)),
            )
        }
    }
    #[inline(always)]
    unsafe fn store(a: Quad, to: *mut f32) {
        // SAFETY: as `neon!`; the caller vouches for LANES values.
        unsafe {
            vst1q_f32(to, a.0);
            vst1q_f32(to.add(QUARTER), a.1);
            vst1q_f32(to.add(2 * QUARTER), a.2);
            vst1q_f32(to.add(3 * QUARTER), a.3);
        }
    }
    #[inline(always)]
    unsafe fn store_first(a: Quad, to: *mut f32, count: usize) {
        // SAFETY: as `neon!`; the caller vouches for `count` values.
        unsafe {
            store_quarter(a.0, to, 0, count);
            store_quarter(a.1, to, QUARTER, count);
            store_quarter(a.2, to, 2 * QUARTER, count);
            store_quarter(a.3, to, 3 * QUARTER, count);
        }
    }
}
