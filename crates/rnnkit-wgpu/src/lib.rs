//! The GPU backend of rnnkit: every stage of the seam as a compute shader, on Vulkan, Metal or DX12 through wgpu.
//!
//! A training step's numbers never leave the device: its plan goes up (where windows start, which lanes reset, positions sorted by symbol),
//! its report comes down (20 bytes, read once a call). In between, a call is a list of dispatches:
//!
//! - `../shaders/`: the kernels, one entry point a file; the cells are twins of `cell/*.rs` in rnnkit-core and are joined with each loop.
//! - `kernel.rs`: which files a kernel is joined of, what it is bound to; `arguments.rs`: what it takes. `shader_tests.rs` holds all of
//!   it against the shaders, in every language they are translated to, without a GPU.
//! - `layout.rs`: where everything of a model lies, offsets in one arena; `tables.rs`: what kernels look up there; `workspace.rs`: the buffers.
//! - `forms.rs`: THE table of forms in which a recurrent layer runs; `resident/`: how a layer is cut for the resident one.
//! - `stages/`: which kernels each stage records; `backend.rs` puts them behind the seam.
//! - `recorder.rs`: records, hands over in submissions that `pace.rs` keeps short, reads back; `work.rs`: how much one dispatch may hold; `device/`: adapters, faults, memory.
//!
//! Sums are made in an order that shapes and the adapter's limits alone decide, and no float is added atomically: the same adapter gives the same bits twice.
//! What is not finite is told by its bits, since a driver may compile arithmetic as if there were no NaN.

mod arguments;
mod backend;
mod device;
mod forms;
mod kernel;
mod layout;
mod memory;
mod optimizer;
mod pace;
mod recorder;
mod resident;
mod stages;
mod tables;
mod work;
mod workspace;

#[cfg(test)]
mod shader_tests;

use rnnkit_core::Result;
use rnnkit_core::cell::CellKind;

pub use backend::Gpu;
pub use device::{Device, Injection, adapters};
pub use memory::{Data, Memory};
pub use recorder::Counts;
pub use resident::Budgets;
pub use work::Work;
pub use workspace::Workspace;

/// How a recurrent layer runs over time.
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
    /// Number of the adapter in [`adapters`], or a part of its name in any case; `None`: the first, software only where there is nothing else.
    pub adapter: Option<String>,
    /// The form of recurrent layers; `None`: by the table of forms.
    pub form: Option<Form>,
    /// The number type of packed weights.
    pub precision: Precision,
}

/// What kind of device an adapter is, the better first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdapterKind {
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares the processor's memory.
    Integrated,
    /// A GPU that a virtual machine lends.
    Virtual,
    /// What says nothing of itself.
    Other,
    /// The processor, playing a GPU: for tests.
    Software,
}

/// An adapter, for people and for the choice of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct AdapterReport {
    /// The adapter's name.
    pub name: String,
    /// What it is.
    pub kind: AdapterKind,
    /// `vulkan`, `metal` or `dx12`.
    pub backend: &'static str,
    /// The driver and its version.
    pub driver: String,
    /// Largest buffer that a shader can see, in bytes.
    pub max_buffer_bytes: u64,
    /// Workgroup memory, in bytes.
    pub workgroup_bytes: u32,
    /// Threads of a workgroup.
    pub workgroup_threads: u32,
    /// Fewest and most threads of a subgroup.
    pub subgroup: (u32, u32),
    /// Whether it computes in f16.
    pub f16: bool,
    /// For each cell, the largest hidden size that takes the resident form; above it the step form runs.
    pub resident_up_to: Vec<(CellKind, usize)>,
}

/// Opens a GPU.
///
/// # Errors
/// [`rnnkit_core::Error::DeviceUnavailable`] if there is none such, or it lacks what the options ask for.
pub fn open(options: &GpuOptions) -> Result<Gpu> {
    Gpu::open(options)
}
