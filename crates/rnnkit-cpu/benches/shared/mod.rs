//! What the benches of the products and the program `peak` share: operands, the plain loops they are checked against, and the peak.

mod operands;
pub mod peak;
mod plain;

pub use operands::{Outer, Packed};
