//! The stages: which kernels each records, on what.

pub mod batch_norm;
pub mod call;
pub mod directions;
pub mod dropout;
pub mod gradients;
pub mod head;
pub mod input;
pub mod recurrent;
pub mod rows;
pub mod segments;
pub mod update;

use rnnkit_core::Result;
use rnnkit_core::backend::Run;

use crate::arguments::{NOWHERE, Product};
use crate::kernel::{KernelId, ProductKind};
use crate::layout::{SLOTS, TILE};
use crate::memory::{Data, Memory};
use crate::recorder::{Recorder, in_two_dimensions};
use crate::slice::Slice;
use crate::work::product_of;
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
    bias: Option<(Slice, u32)>,
    c: (Slice, u32),
}

/// C [rows, columns] = A B over `inner`, with bias and activation.
fn product(recorder: &mut Recorder, kind: ProductKind, sizes: [usize; 3], operands: Operands, activation: u32) -> Result<()> {
    let [rows, columns, inner] = sizes;
    let a_stride = if kind == ProductKind::Outer { rows } else { inner };
    strided_product(recorder, kind, sizes, operands, [a_stride, columns], activation)
}

/// The same with the rows of A and of C so far apart; in several dispatches where there is much to multiply.
fn strided_product(
    recorder: &mut Recorder,
    kind: ProductKind,
    [rows, columns, inner]: [usize; 3],
    operands: Operands,
    [a_stride, c_stride]: [usize; 2],
    activation: u32,
) -> Result<()> {
    let at_once = match kind {
        ProductKind::Affine | ProductKind::Back => recorder.work.rows(columns, inner),
        // A row of A lies in pieces. These are small: their inner dimension is the vocabulary.
        ProductKind::Outer => rows.max(1),
    };
    let Operands { a, b, bias, c } = operands;
    // Where there is no bias, any buffer does for its binding.
    let (biases, bias) = bias.unwrap_or((b.0.clone(), NOWHERE));
    let slices = vec![a.0, b.0, biases, c.0];
    for first in (0..rows).step_by(at_once) {
        let count = at_once.min(rows - first);
        let arguments = Product {
            rows: count as u32,
            columns: columns as u32,
            inner: inner as u32,
            a: a.1 + (first * a_stride) as u32,
            a_stride: a_stride as u32,
            b: b.1,
            c: c.1 + (first * c_stride) as u32,
            c_stride: c_stride as u32,
            bias,
            activation,
        };
        let [down, deep] = in_two_dimensions(count.div_ceil(TILE), recorder.widest());
        let groups = [columns.div_ceil(TILE), down, deep];
        recorder.dispatch_3d(KernelId::Product(kind), slices.clone(), bytemuck::bytes_of(&arguments), groups)?;
        recorder.count_products(product_of([count, columns, inner]))?;
    }
    Ok(())
}

/// First word of window k's plan.
fn plan_at(run: &GpuRun<'_>, k: usize) -> u32 {
    ((k % SLOTS) * run.prepared.layout.window.len) as u32
}

/// Where the lengths of the window in work stand in its plan.
fn lengths_at(run: &GpuRun<'_>) -> u32 {
    plan_at(run, run.prepared.window) + run.prepared.layout.window.lengths as u32
}

impl Workspace {
    /// The plans of windows, likewise.
    fn plan_slice(&self) -> Slice {
        Slice::whole(&self.windows)
    }

    /// The arena, as kernels are bound to it.
    fn arena_slice(&self) -> Slice {
        Slice::whole(&self.arena)
    }

    /// The words, likewise.
    fn words_slice(&self) -> Slice {
        Slice::whole(&self.words)
    }
}
