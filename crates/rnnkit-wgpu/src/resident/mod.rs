//! The resident form of a recurrent layer: how it is cut for an adapter, and the text of its unrolled part.

mod budgets;
mod shape;
mod text;

pub use budgets::Budgets;
pub use shape::{ResidentShape, ResidentShapes};
pub use text::product_text;

#[cfg(test)]
pub use shape::Direction;
