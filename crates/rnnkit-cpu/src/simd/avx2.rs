//! AVX2 with FMA: a vector is two registers of 256 bits.

use super::set::{LANES, SQRT_HALF_BITS, Simd};
use super::stored::Bf16;
use std::arch::x86_64::*;

/// AVX2 with FMA. Named by the dispatch alone, which has made sure of the instructions.
#[derive(Clone, Copy)]
pub(super) struct Avx2;

/// Lanes 0..8 and 8..16.
#[derive(Clone, Copy)]
pub(super) struct Pair(__m256, __m256);

/// Lanes in one register.
const HALF: usize = LANES / 2;

/// Calls an intrinsic: the obligation of every one without pointers is the instruction set.
macro_rules! avx2 {
    ($call:expr) => {
        // SAFETY: the type is reached through the dispatch alone, which found AVX2 and FMA on this machine.
        unsafe { $call }
    };
}

/// One intrinsic on both halves of its operands.
macro_rules! both {
    ($intrinsic:ident($($x:expr),+)) => { Pair(avx2!($intrinsic($($x.0),+)), avx2!($intrinsic($($x.1),+))) };
}

/// The masks of the first `count` lanes, in two halves.
#[inline(always)]
fn first(count: usize) -> (__m256i, __m256i) {
    static ONES_THEN_ZEROS: [i32; 2 * LANES] = {
        let mut masks = [0; 2 * LANES];
        let mut i = 0;
        while i < LANES {
            masks[i] = -1;
            i += 1;
        }
        masks
    };
    let lanes = &ONES_THEN_ZEROS[LANES - count..][..LANES];
    // SAFETY: as `avx2!`; both halves lie within the 16 values of `lanes`.
    unsafe { (_mm256_loadu_si256(lanes.as_ptr().cast()), _mm256_loadu_si256(lanes[HALF..].as_ptr().cast())) }
}

#[inline(always)]
fn sign_bit() -> Pair {
    Avx2::splat(-0.0)
}

#[inline(always)]
fn select_less_half(a: __m256, b: __m256, yes: __m256, no: __m256) -> __m256 {
    avx2!(_mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_LT_OQ>(a, b)))
}

#[inline(always)]
fn power_of_two_half(shifted: __m256) -> __m256 {
    avx2!({
        let biased = _mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(127));
        _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased))
    })
}

#[inline(always)]
fn split_exponent_half(a: __m256) -> (__m256, __m256) {
    avx2!({
        let bits = _mm256_castps_si256(a);
        let exponent = _mm256_srai_epi32::<23>(_mm256_sub_epi32(bits, _mm256_set1_epi32(SQRT_HALF_BITS)));
        let mantissa = _mm256_sub_epi32(bits, _mm256_slli_epi32::<23>(exponent));
        (_mm256_castsi256_ps(mantissa), _mm256_cvtepi32_ps(exponent))
    })
}

/// Eight numbers of 16 bits, widened.
///
/// # Safety
/// They are readable.
#[inline(always)]
unsafe fn load_bf16_half(from: *const Bf16) -> __m256 {
    // SAFETY: as `avx2!`; the caller vouches for the memory.
    unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast())))) }
}

impl Simd for Avx2 {
    type Raw = Pair;
    // 6 x 2 sums, 2 registers of B and a broadcast fit into 16 registers.
    const TILE_ROWS: usize = 6;
    const PANEL_VECTORS: usize = 1;

    #[inline(always)]
    fn splat(x: f32) -> Pair {
        let x = avx2!(_mm256_set1_ps(x));
        Pair(x, x)
    }
    #[inline(always)]
    fn add(a: Pair, b: Pair) -> Pair {
        both!(_mm256_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(a: Pair, b: Pair) -> Pair {
        both!(_mm256_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(a: Pair, b: Pair) -> Pair {
        both!(_mm256_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(a: Pair, b: Pair) -> Pair {
        both!(_mm256_div_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(a: Pair, b: Pair, c: Pair) -> Pair {
        both!(_mm256_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn sqrt(a: Pair) -> Pair {
        both!(_mm256_sqrt_ps(a))
    }
    #[inline(always)]
    fn max(a: Pair, b: Pair) -> Pair {
        both!(_mm256_max_ps(a, b))
    }
    #[inline(always)]
    fn min(a: Pair, b: Pair) -> Pair {
        both!(_mm256_min_ps(a, b))
    }
    #[inline(always)]
    fn select_less(a: Pair, b: Pair, yes: Pair, no: Pair) -> Pair {
        Pair(select_less_half(a.0, b.0, yes.0, no.0), select_less_half(a.1, b.1, yes.1, no.1))
    }
    #[inline(always)]
    fn abs(a: Pair) -> Pair {
        both!(_mm256_andnot_ps(sign_bit(), a))
    }
    #[inline(always)]
    fn copysign(a: Pair, sign: Pair) -> Pair {
        let (magnitude, sign) = (Self::abs(a), both!(_mm256_and_ps(sign_bit(), sign)));
        both!(_mm256_or_ps(magnitude, sign))
    }
    #[inline(always)]
    fn power_of_two(shifted: Pair) -> Pair {
        Pair(power_of_two_half(shifted.0), power_of_two_half(shifted.1))
    }
    #[inline(always)]
    fn split_exponent(a: Pair) -> (Pair, Pair) {
        let (low, high) = (split_exponent_half(a.0), split_exponent_half(a.1));
        (Pair(low.0, high.0), Pair(low.1, high.1))
    }
    #[inline(always)]
    fn prefetch(at: *const f32) {
        // SAFETY: as `avx2!`; a hint reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Pair {
        // SAFETY: as `avx2!`; the caller vouches for LANES values.
        unsafe { Pair(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(HALF))) }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Pair {
        let (low, high) = first(count);
        // SAFETY: as `avx2!`; the caller vouches for `count` values, and lanes that are masked out are not touched
        // (which is also why the second address, maybe past the end, is made without `add`).
        unsafe { Pair(_mm256_maskload_ps(from, low), _mm256_maskload_ps(from.wrapping_add(HALF), high)) }
    }
    #[inline(always)]
    unsafe fn load_bf16(from: *const Bf16) -> Pair {
        // SAFETY: the caller vouches for LANES values.
        unsafe { Pair(load_bf16_half(from), load_bf16_half(from.add(HALF))) }
    }
    #[inline(always)]
    unsafe fn store(a: Pair, to: *mut f32) {
        // SAFETY: as `avx2!`; the caller vouches for LANES values.
        unsafe {
            _mm256_storeu_ps(to, a.0);
            _mm256_storeu_ps(to.add(HALF), a.1);
        }
    }
    #[inline(always)]
    unsafe fn store_first(a: Pair, to: *mut f32, count: usize) {
        let (low, high) = first(count);
        // SAFETY: as `load_first`.
        unsafe {
            _mm256_maskstore_ps(to, low, a.0);
            _mm256_maskstore_ps(to.wrapping_add(HALF), high, a.1);
        }
    }
}
