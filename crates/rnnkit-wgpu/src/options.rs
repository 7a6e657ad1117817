//! What can be asked of a GPU.

/// How a recurrent layer runs over time. One whose hidden state is dropped has a form of its own, whichever is asked for: some dispatches
/// per time step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One dispatch per time step, adjacent layers on the diagonal.
    Step,
    /// A whole layer in one dispatch, or a few for a long window: a workgroup keeps the weights and runs its lanes through all time steps.
    Resident,
}

/// The number type of packed weights; parameters, sums and cell states are f32 in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits, where the adapter has them.
    F16,
}

/// Which GPU, and how it is to be used.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GpuOptions {
    /// Number of the adapter in [`crate::adapters`], or a part of its name in any case; `None`: the first, software only where there is nothing else.
    pub adapter: Option<String>,
    /// The form of recurrent layers; `None`: by the table of forms.
    pub form: Option<Form>,
    /// The number type of packed weights.
    pub precision: Precision,
}
