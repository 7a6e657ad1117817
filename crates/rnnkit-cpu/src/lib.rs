//! The fast CPU backend: lanes, or the units of large layers, shared out to threads (`stages/sharing.rs`), fused gates, packed weights, vectorised elementary functions.
//!
//! What a result depends on: the shapes and the numbers that go in. Not on the number of threads, on which thread took which
//! task, nor on where an element stands in a tile. Machines with fused multiply-add (AVX-512, AVX2, NEON) give the same bits
//! as each other; only x86 without it rounds otherwise.

pub mod aligned;
mod backend;
mod matrix;
pub mod pool;
pub mod product;
pub mod simd;
mod stages;
mod weights;
mod workspace;

pub use backend::Cpu;
pub use product::Precision;
pub use weights::SharedSizes;
pub use workspace::Workspace;
