//! Where everything lies: parameters in one flat buffer, the carry in another.

pub mod carry;
pub mod params;

pub use carry::CarryLayout;
pub use params::{ParamLayout, Tensor};
