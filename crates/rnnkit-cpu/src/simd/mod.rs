//! Vectors of 16 f32 for the instruction set of the machine, chosen at run time, and the elementary functions on them.
//!
//! A kernel is written once, generic over the instruction set, and compiled once for each:
//!
//! ```
//! use rnnkit_core::math::Real;
//! use rnnkit_cpu::simd::{Isa, Kernel, LANES, Simd, Vector};
//!
//! struct Squash<'a>(&'a mut [f32]);
//!
//! impl Kernel for Squash<'_> {
//!     type Output = ();
//!     #[inline(always)]
//!     fn run<S: Simd>(self) {
//!         for block in self.0.chunks_mut(LANES) {
//!             Vector::<S>::load(block).tanh().store(block); // a short last block needs no second text
//!         }
//!     }
//! }
//!
//! let mut values = [0.5; 21];
//! Isa::detect()?.dispatch(Squash(&mut values));
//! assert!((values[20] - 0.5f32.tanh()).abs() < 1e-6);
//! # Ok::<(), rnnkit_core::Error>(())
//! ```
//!
//! A vector has 16 lanes whatever the registers are (AVX2 takes two of them, NEON four), so that loops, packed layouts and
//! sums over the lanes have one form and the same bits everywhere. Everything in the call tree of [`Kernel::run`] must be
//! `#[inline(always)]`, closures avoided: what is not inlined is compiled without the instruction set, right but slow.
//!
//! The types of the instruction sets are private and reach a kernel through [`Isa::dispatch`] alone, which is given an
//! [`Isa`] that was detected. This is why the functions of [`Simd`] that need the instructions are safe to call.
//!
//! NEON is held to the bits of the others under an emulator (`scripts/check-aarch64.sh`); its speed has not been measured.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod elementary;
#[cfg(test)]
mod elementary_tests;
#[cfg(all(test, target_os = "linux", target_pointer_width = "64"))]
mod guard_page_tests;
mod isa;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod set;
mod stored;
mod tile;
mod vector;
#[cfg(test)]
mod vector_tests;

pub use isa::{Isa, Kernel};
pub use set::{LANES, Simd};
pub use stored::{Bf16, Stored};
pub use tile::Start;
pub(crate) use tile::{Ahead, Tile, row_times_panels};
pub use vector::Vector;
