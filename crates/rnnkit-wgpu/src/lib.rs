//! The GPU backend of rnnkit: every stage of the seam as a compute shader, on Vulkan, Metal or DX12 through wgpu.
//!
//! A training step's numbers never leave the device: its plan goes up (where windows start, which lanes reset, positions sorted by symbol),
//! its report comes down (20 bytes, and 8 of the device's clock where it has one, read once a call). In between, a call is a list of dispatches:
//!
//! - `../shaders/`: the kernels, one entry point a file; the cells are twins of `cell/*.rs` in rnnkit-core and are joined with each loop.
//! - `kernel/`: which files a kernel is joined of, what it is bound to; `arguments.rs`: what it takes. `shader_tests.rs` holds all of
//!   it against the shaders, in every language they are translated to, without a GPU.
//! - `layout/`: where everything of a model lies, offsets in one arena; `tables/`: what kernels look up there; `workspace.rs`: the buffers.
//! - `forms.rs`: THE table of forms in which a recurrent layer runs; `resident/`: how a layer is cut for the resident one. Each of two
//!   directions is a layer like any other, over a sequence that is turned.
//! - `stages/`: which kernels each stage records; `backend.rs` puts them behind the seam.
//! - `recorder.rs`: records, hands over in submissions that `pace.rs` keeps short, reads back; `work.rs`: how much one dispatch may hold;
//!   `stamps.rs`: what the device's clock reads in a call; `device/`: adapters, faults, memory,
//!   and the gate that lets the process end while sessions work.
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
mod options;
mod pace;
mod recorder;
mod report;
mod resident;
mod slice;
mod stages;
mod stamps;
mod tables;
mod work;
mod workspace;

#[cfg(test)]
mod shader_tests;

use rnnkit_core::Result;

pub use backend::Gpu;
pub use device::{AdapterKind, Device, Injection};
pub use memory::{Data, Memory};
pub use options::{Form, GpuOptions, Precision};
pub use recorder::Counts;
pub use report::{AdapterReport, adapters};
pub use resident::Budgets;
pub use work::Work;
pub use workspace::Workspace;

/// Opens a GPU.
///
/// # Errors
/// [`rnnkit_core::Error::DeviceUnavailable`] if there is none such, or it lacks what the options ask for.
pub fn open(options: &GpuOptions) -> Result<Gpu> {
    Gpu::open(options)
}
