//! [`LayerSpace`]: what one layer keeps for one lane tile.

use rnnkit_core::Result;
use rnnkit_core::backend::Shape;
use rnnkit_core::cell::Cell;
use rnnkit_core::memory::zeros;
use rnnkit_core::plan::{Layer, ModelPlan, Recurrent};
use rnnkit_core::with_cell;

use crate::aligned::Aligned;

/// What a layer keeps for one tile; buffers it has no use for are empty.
#[derive(Default)]
pub struct LayerSpace {
    /// [T, n, size].
    pub output: Aligned,
    /// Gradient of `output`, [T, n, size]; empty where nobody asks for it.
    pub d_output: Aligned,
    /// Pre-activations, then activated gates, then on the way back the gradient of the input pre-activations: [T, n, G*H].
    pub gates: Aligned,
    /// The gates as they were, for a tap.
    pub kept_gates: Aligned,
    /// The hidden pre-activations of one time step [n, G*H], where a cell wants them apart.
    pub hidden: Aligned,
    /// Gradient of the hidden pre-activations [T, n, G*H], where it differs.
    pub d_hidden: Aligned,
    /// The cell's `kept`, [T, n, H].
    pub kept: Aligned,
    /// c, [T, n, H].
    pub cell_state: Aligned,
    /// States the window starts from: h and c, [n, H].
    pub start: [Aligned; 2],
    /// Gradients of h and c on their way from time step t + 1 to t, [n, H].
    pub d_carry: [Aligned; 2],
    /// Recurrent: gradient of h from above and from the time step after, [T, n, H], for a tap.
    pub d_state: Aligned,
    /// Recurrent with dropout of h: what enters the product, [T, n, copies, H], and its gradient at one time step.
    pub entering: [Aligned; 2],
    /// Batch normalisation: this tile's part of two sums, `[size]` each.
    pub sums: [Vec<f64>; 2],
}

impl LayerSpace {
    /// Buffers of a layer for `n` lanes; `wanted`: somebody asks for the gradient of its output.
    pub fn new(plan: &ModelPlan, layer: &Layer, shape: Shape, n: usize, wanted: bool) -> Result<Self> {
        let rows = n * shape.time;
        let size = layer.size();
        let outputs = Self { output: when(true, rows * size)?, d_output: when(shape.training && wanted, rows * size)?, ..Self::default() };
        match layer {
            Layer::Recurrent(layer) => outputs.recurrent(&Widths::of(plan, layer, shape), size, shape, n),
            Layer::BatchNorm(_) => Ok(Self { sums: [zeros(size)?, zeros(size)?], ..outputs }),
            Layer::Dense(_) | Layer::Dropout(_) | Layer::Turn(_) | Layer::Join(_) => Ok(outputs),
        }
    }

    fn recurrent(self, widths: &Widths, size: usize, shape: Shape, n: usize) -> Result<Self> {
        let (rows, back) = (n * shape.time, shape.training);
        Ok(Self {
            gates: when(true, rows * widths.gates)?,
            kept_gates: when(shape.taps, rows * widths.gates)?,
            hidden: when(widths.split, n * widths.gates)?,
            d_hidden: when(widths.split && back, rows * widths.gates)?,
            kept: when(widths.keeps, rows * size)?,
            cell_state: when(widths.cell_state, rows * size)?,
            start: [when(true, n * size)?, when(widths.cell_state, n * size)?],
            d_carry: [when(back, n * size)?, when(back, n * size)?],
            d_state: when(shape.taps && back, rows * size)?,
            entering: [when(true, rows * widths.entering)?, when(true, n * widths.entering)?],
            ..self
        })
    }

    /// How many numbers the buffers of a layer hold for each row [T, N], and for each lane besides.
    pub fn numbers(plan: &ModelPlan, layer: &Layer, shape: Shape) -> [u64; 2] {
        let (size, back) = (layer.size(), usize::from(shape.training));
        let Layer::Recurrent(layer) = layer else { return [((1 + back) * size) as u64, 0] };
        let Widths { gates, entering, keeps, split, cell_state } = Widths::of(plan, layer, shape);
        let [keeps, split, cell_state, taps] = [keeps, split, cell_state, shape.taps].map(usize::from);
        let row = (1 + taps + split * back) * gates + (1 + back + keeps + cell_state + taps * back) * size + entering;
        let lane = split * gates + (1 + cell_state + 2 * back) * size + entering;
        [row as u64, lane as u64]
    }
}

/// What a recurrent layer's buffers depend on.
struct Widths {
    /// G*H.
    gates: usize,
    /// copies*H where h is dropped, as it is in training alone; else 0.
    entering: usize,
    keeps: bool,
    split: bool,
    cell_state: bool,
}

impl Widths {
    fn of(plan: &ModelPlan, layer: &Recurrent, shape: Shape) -> Self {
        fn of_cell<C: Cell>(_: C) -> [bool; 3] {
            [C::KEEPS, C::SPLIT, C::HAS_CELL_STATE]
        }
        let [keeps, split, cell_state] = with_cell!(layer.cell, cell => of_cell(cell));
        let copies = layer.hidden_dropout.filter(|_| shape.training).map_or(0, |site| plan.sites[site].copies);
        Self { gates: layer.cell.gates() * layer.size, entering: copies * layer.size, keeps, split, cell_state }
    }
}

fn when(wanted: bool, len: usize) -> Result<Aligned> {
    Aligned::zeros(if wanted { len } else { 0 })
}
