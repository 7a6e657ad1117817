//! The stages: which kernels each records, on what.

pub mod call;
pub mod gradients;
pub mod head;
pub mod input;
pub mod recurrent;
pub mod resident;
pub mod rows;
pub mod update;

use rnnkit_core::Result;
use rnnkit_core::backend::Run;

use crate::arguments::Product;
use crate::kernel::{KernelId, ProductKind};
use crate::layout::TILE;
use crate::memory::{Data, Memory};
use crate::recorder::{Recorder, Slice, in_two_dimensions};
use crate::workspace::Workspace;

/// A run of this backend.
pub type GpuRun<'a> = Run<'a, Memory, Data, Workspace>;

/// Threads of a workgroup of the simple kernels.
const THREADS: usize = 64;

/// Workgroups for so many elements, one a thread.
fn groups(elements: usize) -> usize {
    elements.div_ceil(THREADS)
}

/// Operands of one product: a buffer and the first element in it.
struct Operands {
    a: (Slice, u32),
    b: (Slice, u32),
    /// One number for each column.
    bias: Option<Slice>,
    c: (Slice, u32),
}

/// C [rows, columns] = A B over `inner`, with bias and activation.
fn product(
    recorder: &mut Recorder,
    kind: ProductKind,
    [rows, columns, inner]: [usize; 3],
    operands: Operands,
    activation: u32,
) -> Result<()> {
    let Operands { a, b, bias, c } = operands;
    let arguments = Product {
        rows: rows as u32,
        columns: columns as u32,
        inner: inner as u32,
        a: a.1,
        b: b.1,
        c: c.1,
        has_bias: u32::from(bias.is_some()),
        activation,
    };
    // Where there is no bias, any buffer does for its binding.
    let bias = bias.unwrap_or_else(|| b.0.clone());
    let slices = vec![a.0, b.0, bias, c.0];
    let [down, deep] = in_two_dimensions(rows.div_ceil(TILE), recorder.widest());
    recorder.dispatch_3d(KernelId::Product(kind), slices, bytemuck::bytes_of(&arguments), [columns.div_ceil(TILE), down, deep])
}

impl Workspace {
    /// The arena, as kernels are bound to it.
    fn arena_slice(&self) -> Slice {
        Slice::whole(&self.arena)
    }

    /// The words, likewise.
    fn words_slice(&self) -> Slice {
        Slice::whole(&self.words)
    }
}
