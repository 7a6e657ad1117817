//! [`Stored`]: the number types in which a product's right operand is kept; all of them are f32 once they are loaded.

use super::set::{LANES, Simd};
use super::vector::Vector;

/// The upper half of an f32: its sign, its exponent, and 8 bits of precision instead of 24.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct Bf16(pub(super) u16);

impl Bf16 {
    /// The same value in f32, exactly.
    #[inline(always)]
    pub fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

/// A number type of the right operand of a register tile.
pub trait Stored: Copy + Default + Send + Sync + 'static {
    /// The nearest number of this type, of two equally near ones the even one. From half a step above its largest number on, infinity.
    fn nearest(x: f32) -> Self;

    /// How many values of a row of `columns` a tile of `width` columns reads: rows of packed types are padded.
    fn reach(columns: usize, width: usize) -> usize;

    /// Vector `v` of the row at `from`; lanes past `columns` are of no account.
    ///
    /// # Safety
    /// With `WHOLE`, (v + 1) * LANES values at `from` are readable; else as many as [`Stored::reach`] says of these `columns` and a width
    /// of at least that.
    unsafe fn load<S: Simd, const WHOLE: bool>(from: *const Self, v: usize, columns: usize) -> Vector<S>;
}

impl Stored for f32 {
    #[inline(always)]
    fn nearest(x: f32) -> f32 {
        x
    }

    #[inline(always)]
    fn reach(columns: usize, _: usize) -> usize {
        columns
    }

    #[inline(always)]
    unsafe fn load<S: Simd, const WHOLE: bool>(from: *const f32, v: usize, columns: usize) -> Vector<S> {
        let at = from.wrapping_add(v * LANES);
        // SAFETY: of a partial vector only those lanes are touched that the caller vouches for.
        Vector(unsafe { if WHOLE { S::load(at) } else { S::load_first(at, columns.saturating_sub(v * LANES).min(LANES)) } })
    }
}

impl Stored for Bf16 {
    #[inline(always)]
    fn nearest(x: f32) -> Bf16 {
        let bits = x.to_bits();
        // Just under half a step, or half a step where the number below is odd. A NaN could become infinity: its highest bit is set instead.
        let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
        Bf16(if x.is_nan() { bits >> 16 | 0x40 } else { rounded } as u16)
    }

    #[inline(always)]
    fn reach(_: usize, width: usize) -> usize {
        width
    }

    #[inline(always)]
    unsafe fn load<S: Simd, const WHOLE: bool>(from: *const Bf16, v: usize, _: usize) -> Vector<S> {
        // SAFETY: the caller vouches for whole vectors.
        Vector(unsafe { S::load_bf16(from.wrapping_add(v * LANES)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The neighbours of `x` among the numbers of 16 bits, from below and above in magnitude, and which of them is nearer in f64.
    fn nearest_of_neighbours(x: f32) -> u16 {
        let below = (x.to_bits() >> 16) as u16;
        let value = |bits: u16| f64::from(Bf16(bits).widen());
        let (down, up) = ((f64::from(x) - value(below)).abs(), (value(below + 1) - f64::from(x)).abs());
        if down < up || (down == up && below.is_multiple_of(2)) { below } else { below + 1 }
    }

    #[test]
    fn the_nearest_number_is_taken_and_the_even_one_of_two() {
        for sign in [0, 1 << 31] {
            for high in [0x0000, 0x0001, 0x007f, 0x0080, 0x3dcc, 0x3f80, 0x3f81, 0x4049, 0x7f7e] {
                for low in [0u32, 1, 0x7fff, 0x8000, 0x8001, 0xffff] {
                    let x = f32::from_bits(sign | high << 16 | low);
                    assert_eq!(Bf16::nearest(x).0, nearest_of_neighbours(x), "{x:e}");
                }
            }
        }
    }

    #[test]
    fn infinities_and_nan_stay_what_they_are_and_zero_keeps_its_sign() {
        for x in [0.0, -0.0, 1.0, -2.5, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(Bf16::nearest(x).widen().to_bits(), x.to_bits());
        }
        for bits in [0x7f80_0001, 0xff80_0001, 0x7fff_ffff, 0xffff_ffff] {
            assert!(Bf16::nearest(f32::from_bits(bits)).widen().is_nan(), "{bits:x}");
        }
        assert_eq!(Bf16::nearest(f32::MAX).widen(), f32::INFINITY);
    }
}
