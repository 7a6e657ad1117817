//! The whole algorithm of rnnkit, without Node, GPU or threads.
//!
//! # Notation
//!
//! `T` time steps in one unroll · `N` lanes (parallel streams, the batch) · `V` vocabulary size · `E` input features ·
//! `H` hidden size · `L` layers · `G` gates per cell (Elman 1, GRU 3, LSTM 4) · `K` windows in one native call.
//! Activations are row-major and time-major `[T, N, ·]`, so that one time step is one contiguous slice.

pub mod backend;
pub mod bptt;
pub mod cell;
pub mod checkpoint;
pub mod convert;
pub mod error;
pub mod grad_clip;
pub mod gradient_check;
pub mod init;
pub mod layout;
pub mod loss;
pub mod math;
pub mod memory;
pub mod optim;
pub mod plain;
pub mod plan;
pub mod reference;
pub mod rng;
pub mod sampler;
pub mod session;
pub mod spec;
pub mod unroll;
pub mod views;
pub mod window;

pub use error::{Error, ErrorData, Result};
