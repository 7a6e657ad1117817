//! The adapters of this machine, for people and for the choice of a device.

use rnnkit_core::cell::CellKind;

use crate::device::{AdapterKind, backend_name, driver_of, enter, found, kind_of, largest_buffer};
use crate::forms::resident_up_to;
use crate::options::Precision;
use crate::resident::Budgets;

/// The cells, as reports list them.
const CELLS: [CellKind; 4] = [CellKind::ElmanTanh, CellKind::ElmanRelu, CellKind::Gru, CellKind::Lstm];

/// An adapter.
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

/// The adapters of this machine, the best first; none where there is no driver.
pub fn adapters() -> Vec<AdapterReport> {
    let _inside = enter();
    found().iter().map(report).collect()
}

fn report(adapter: &wgpu::Adapter) -> AdapterReport {
    let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
    AdapterReport {
        kind: kind_of(&info),
        backend: backend_name(info.backend),
        driver: driver_of(&info),
        max_buffer_bytes: largest_buffer(&limits),
        workgroup_bytes: limits.max_compute_workgroup_storage_size,
        workgroup_threads: limits.max_compute_invocations_per_workgroup,
        subgroup: (info.subgroup_min_size, info.subgroup_max_size),
        f16: features.contains(wgpu::Features::SHADER_F16),
        resident_up_to: CELLS.iter().map(|&cell| (cell, resident_up_to(cell, &Budgets::of(&limits), Precision::F32))).collect(),
        name: info.name,
    }
}
