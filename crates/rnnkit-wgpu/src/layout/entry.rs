//! How the window's inputs enter the first layer.

use rnnkit_core::backend::Shape;
use rnnkit_core::plan::{Layer, ModelPlan};

/// How the window's inputs become the first layer's pre-activations, or its input rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// One-hot: a row for each symbol and one for none, made after each update.
    OneHotTable,
    /// One-hot: columns of the weights picked for each position, where positions are fewer than symbols.
    OneHotPick,
    /// One-hot: rows with a single one, for layers that cannot pick.
    OneHotRows,
    /// Embedding: the product of table and weights, a row for each symbol and one for none, made after each update.
    EmbeddingTable,
    /// Embedding: rows of the table fetched for each position.
    EmbeddingRows,
    /// Real numbers: rows fetched for each position.
    RealRows,
}

impl Entry {
    /// Tables pay where a window has more positions than there are symbols; taps show the rows themselves.
    pub fn of(plan: &ModelPlan, shape: Shape) -> Self {
        let Some(vocabulary) = plan.spec.input.vocabulary() else { return Entry::RealRows };
        let recurrent = matches!(plan.layers.first(), Some(Layer::Recurrent(_)));
        let table = recurrent && !shape.taps && vocabulary <= shape.lanes.saturating_mul(shape.time);
        match (plan.embedding.is_some(), table) {
            (false, _) if plan.one_hot_rows => Entry::OneHotRows,
            (false, true) => Entry::OneHotTable,
            (false, false) => Entry::OneHotPick,
            (true, true) => Entry::EmbeddingTable,
            (true, false) => Entry::EmbeddingRows,
        }
    }

    /// Whether input rows [T, N, E] stand in memory.
    pub fn has_rows(self) -> bool {
        matches!(self, Entry::OneHotRows | Entry::EmbeddingRows | Entry::RealRows)
    }

    /// Whether a table has a row of pre-activations for each symbol.
    pub fn has_table(self) -> bool {
        matches!(self, Entry::OneHotTable | Entry::EmbeddingTable)
    }

    /// Whether weight gradients are sums over the positions of equal symbols.
    pub fn sums_by_symbol(self) -> bool {
        !matches!(self, Entry::OneHotRows | Entry::RealRows)
    }
}
