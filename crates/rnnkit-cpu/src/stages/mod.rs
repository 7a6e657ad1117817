//! The stages, each for one piece that a thread takes alone: a lane tile, some units of a layer on all tiles (`sharing.rs` says where), or
//! a part of the parameters.

pub mod batch_norm;
pub mod cells;
pub mod dropout;
pub mod gradients;
pub mod head;
pub mod input;
pub mod layers;
pub mod recurrent;
pub mod rows;
pub mod sharing;
pub mod softmax;
pub mod sums;
pub mod taps;
pub mod turn;
pub mod update;

/// The most multiply-adds between two looks at the abort flag: some milliseconds of one thread.
const WORK_BETWEEN_LOOKS: usize = 1 << 28;

/// How many rows of a product [rows, Q] · [Q, P] to take between two looks at the abort flag.
pub fn rows_at_once(p: usize, q: usize) -> usize {
    (WORK_BETWEEN_LOOKS / (p * q).max(1)).max(1)
}
