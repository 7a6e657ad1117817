//! AVX-512F: a vector is one register of 512 bits.

use super::set::{LANES, SQRT_HALF_BITS, Simd};
use super::stored::Bf16;
use std::arch::x86_64::*;

/// AVX-512F. Named by the dispatch alone, which has made sure of the instructions.
#[derive(Clone, Copy)]
pub(super) struct Avx512;

/// Calls an intrinsic: the obligation of every one without pointers is the instruction set.
macro_rules! avx512 {
    ($call:expr) => {
        // SAFETY: the type is reached through the dispatch alone, which found AVX-512F on this machine.
        unsafe { $call }
    };
}

/// The mask of the first `count` lanes.
#[inline(always)]
fn first(count: usize) -> __mmask16 {
    debug_assert!(count <= LANES);
    ((1u32 << count) - 1) as __mmask16
}

impl Simd for Avx512 {
    type Raw = __m512;
    // 14 x 2 sums, 2 vectors of B and a broadcast from memory fit into 32 registers.
    const TILE_ROWS: usize = 14;
    const PANEL_VECTORS: usize = 2;

    #[inline(always)]
    fn splat(x: f32) -> __m512 {
        avx512!(_mm512_set1_ps(x))
    }
    #[inline(always)]
    fn add(a: __m512, b: __m512) -> __m512 {
        avx512!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(a: __m512, b: __m512) -> __m512 {
        avx512!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(a: __m512, b: __m512) -> __m512 {
        avx512!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(a: __m512, b: __m512) -> __m512 {
        avx512!(_mm512_div_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(a: __m512, b: __m512, c: __m512) -> __m512 {
        avx512!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn sqrt(a: __m512) -> __m512 {
        avx512!(_mm512_sqrt_ps(a))
    }
    #[inline(always)]
    fn max(a: __m512, b: __m512) -> __m512 {
        avx512!(_mm512_max_ps(a, b))
    }
    #[inline(always)]
    fn min(a: __m512, b: __m512) -> __m512 {
        avx512!(_mm512_min_ps(a, b))
    }
    #[inline(always)]
    fn select_less(a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        avx512!(_mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b), no, yes))
    }
    #[inline(always)]
    fn abs(a: __m512) -> __m512 {
        avx512!(_mm512_abs_ps(a))
    }
    #[inline(always)]
    fn copysign(a: __m512, sign: __m512) -> __m512 {
        // 0xca: bit by bit, the second where the first (the magnitude's mask) is set, else the third.
        avx512!({
            let magnitude = _mm512_set1_epi32(i32::MAX);
            _mm512_castsi512_ps(_mm512_ternarylogic_epi32::<0xca>(magnitude, _mm512_castps_si512(a), _mm512_castps_si512(sign)))
        })
    }
    #[inline(always)]
    fn power_of_two(shifted: __m512) -> __m512 {
        avx512!({
            let biased = _mm512_add_epi32(_mm512_castps_si512(shifted), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(biased))
        })
    }
    #[inline(always)]
    fn times_power_of_two(a: __m512, n: __m512) -> __m512 {
        avx512!(_mm512_scalef_ps(a, n))
    }
    #[inline(always)]
    fn split_exponent(a: __m512) -> (__m512, __m512) {
        avx512!({
            let bits = _mm512_castps_si512(a);
            let exponent = _mm512_srai_epi32::<23>(_mm512_sub_epi32(bits, _mm512_set1_epi32(SQRT_HALF_BITS)));
            let mantissa = _mm512_sub_epi32(bits, _mm512_slli_epi32::<23>(exponent));
            (_mm512_castsi512_ps(mantissa), _mm512_cvtepi32_ps(exponent))
        })
    }
    #[inline(always)]
    fn prefetch(at: *const f32) {
        // SAFETY: as `avx512!`; a hint reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m512 {
        // SAFETY: as `avx512!`; the caller vouches for the memory.
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> __m512 {
        // SAFETY: as `avx512!`; the caller vouches for `count` values, and lanes that are masked out are not touched.
        unsafe { _mm512_maskz_loadu_ps(first(count), from) }
    }
    #[inline(always)]
    unsafe fn load_bf16(from: *const Bf16) -> __m512 {
        // SAFETY: as `avx512!`; the caller vouches for the memory.
        unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast())))) }
    }
    #[inline(always)]
    unsafe fn store(a: __m512, to: *mut f32) {
        // SAFETY: as `avx512!`; the caller vouches for the memory.
        unsafe { _mm512_storeu_ps(to, a) }
    }
    #[inline(always)]
    unsafe fn store_first(a: __m512, to: *mut f32, count: usize) {
        // SAFETY: as `avx512!`; the caller vouches for `count` values, and lanes that are masked out are not touched.
        unsafe { _mm512_mask_storeu_ps(to, first(count), a) }
    }
}
