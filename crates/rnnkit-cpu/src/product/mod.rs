//! Matrix products on one thread: with weights packed beforehand, and of two matrices over their rows.
//!
//! Ours and not a crate's, for two reasons. The weights of a recurrent layer meet a few rows at each of T time steps, so they
//! are packed once for all of them, which the crates with a stable interface do not offer; and none promises the order in
//! which a product is summed. Here each element is one chain of multiply-adds in the order of k from its initial value: the
//! same bits however rows, columns and k are cut, and by whichever thread.
//!
//! Nothing is allocated by a product, nor when weights are packed again.

mod multiply;
mod outer;
mod packed;
#[cfg(test)]
mod tests;

pub use crate::matrix::{Matrix, MatrixMut};
pub use crate::simd::Start;
pub use multiply::{Turn, multiply, multiply_panels};
pub use outer::{outer, outer_accumulate, strides_conflict};
pub use packed::{PackedMatrix, PackedShape, Packing, Precision, Source};
