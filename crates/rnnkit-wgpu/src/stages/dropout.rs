//! Dropout wherever it is a stage of its own: of what a layer reads, or of h on its way into the product.

use rnnkit_core::Result;
use rnnkit_core::spec::MaskShape;
use rnnkit_core::window::Masks;

use super::{GpuRun, groups};
use crate::arguments::Drop;
use crate::kernel::KernelId;
use crate::recorder::Recorder;

/// The way through a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From rows [rows, size] to [rows, copies, size].
    Forward,
    /// From their gradients to those of the rows.
    Back,
    /// The same, added to what is there.
    BackAdded,
}

/// Whether dropout drops in this call.
pub fn masked(run: &GpuRun<'_>) -> u32 {
    u32::from(run.windows.masks != Masks::Off)
}

/// Multiplies `rows` rows, which begin with lane 0, by the factors of a site; both places are in the arena.
pub fn drop(recorder: &mut Recorder, run: &GpuRun<'_>, index: usize, rows: usize, [from, to]: [u32; 2], way: Way) -> Result<()> {
    let (space, site, lanes) = (&run.prepared, &run.plan.sites[index], run.windows.lanes);
    let elements = rows * site.size * if way == Way::Forward { site.copies } else { 1 };
    // As `Site::element` counts.
    let [for_row, for_lane, for_copy] = match site.mask {
        MaskShape::Step => [1, 0, 0],
        MaskShape::Sequence => [0, 1, lanes as u32],
        MaskShape::Batch => [0, 0, 1],
    };
    let arguments = Drop {
        from_at: from,
        to_at: to,
        elements: elements as u32,
        size: site.size as u32,
        copies: site.copies as u32,
        lanes: lanes as u32,
        mask: space.layout.masks[index],
        for_row,
        for_lane,
        for_copy,
        keep_factor: site.scale() as f32,
        masked: masked(run),
        back: u32::from(way != Way::Forward),
        adds: u32::from(way == Way::BackAdded),
    };
    let slices = vec![space.words_slice(), space.arena_slice()];
    recorder.dispatch(KernelId::Dropout, slices, bytemuck::bytes_of(&arguments), groups(elements))
}
