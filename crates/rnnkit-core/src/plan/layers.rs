//! What a plan's layers are: sizes, and the places of their parameters.

use std::ops::Range;

use crate::cell::CellKind;
use crate::spec::{Activation, MaskShape, Predict};

/// One layer of a plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// A recurrent layer in one direction, always from the first time step to the last.
    Recurrent(Recurrent),
    /// A dense layer.
    Dense(Dense),
    /// Dropout of what it reads; identity outside training.
    Dropout(Dropout),
    /// Batch normalisation over all positions of the window.
    BatchNorm(BatchNorm),
    /// Each lane's sequence from its end to its start: what a reverse direction reads.
    Turn(Turn),
    /// The outputs of two directions side by side.
    Join(Join),
}

/// A recurrent layer's sizes and parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Recurrent {
    /// The cell.
    pub cell: CellKind,
    /// Width of its input, E (V for a one-hot input).
    pub input: usize,
    /// How often a row of its source holds the input: once, or once for each gate, as dropout with a mask for each gate leaves it.
    pub copies: usize,
    /// Hidden size H.
    pub size: usize,
    /// Its slot in the carry; also its number among the recurrent layers, in the order PyTorch counts states.
    pub slot: usize,
    /// The input is symbol ids that pick columns of `weight_ih`.
    pub one_hot: bool,
    /// The site whose mask multiplies h where it enters the product with `weight_hh`, if it is dropped there; its copies are 1 or G.
    pub hidden_dropout: Option<usize>,
    /// [G*H, E] in the flat buffer.
    pub weight_ih: Range<usize>,
    /// [G*H, H].
    pub weight_hh: Range<usize>,
    /// `[G*H]`.
    pub bias_ih: Range<usize>,
    /// `[G*H]`.
    pub bias_hh: Range<usize>,
}

/// A dense layer's sizes and parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// Width of its input.
    pub input: usize,
    /// Width of its output.
    pub size: usize,
    /// The activation.
    pub activation: Activation,
    /// The input is symbol ids that pick columns of `weight`.
    pub one_hot: bool,
    /// [size, input] in the flat buffer.
    pub weight: Range<usize>,
    /// `[size]`.
    pub bias: Range<usize>,
}

/// Dropout of a layer's input or output. A site with a mask for each gate gives its input once for each: [T, N, copies, size].
#[derive(Debug, Clone, PartialEq)]
pub struct Dropout {
    /// Its site.
    pub site: usize,
    /// Width of its output: copies times the site's size.
    pub size: usize,
}

/// A place where values are dropped in training; what is kept is divided by the share kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Share dropped, (0, 1).
    pub rate: f64,
    /// What has a draw of its own.
    pub mask: MaskShape,
    /// Masks side by side: one for each gate, or 1.
    pub copies: usize,
    /// Width of what passes through.
    pub size: usize,
}

/// Batch normalisation's sizes and parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNorm {
    /// Features.
    pub size: usize,
    /// Share of the old moving statistics that an update keeps.
    pub momentum: f64,
    /// Added to the variance.
    pub epsilon: f64,
    /// Whether training normalises by the moving statistics and leaves them alone.
    pub frozen: bool,
    /// `[size]` in the flat buffer.
    pub gamma: Range<usize>,
    /// `[size]`.
    pub beta: Range<usize>,
    /// `[size]`, a statistic.
    pub moving_mean: Range<usize>,
    /// `[size]`, a statistic.
    pub moving_variance: Range<usize>,
}

/// Time reversed within each lane's length L: row t is row L - 1 - t of the source, zero past the end. Its gradient is *added* to the
/// source's: the other direction, which reads the same source and goes back before it, has set that.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Width of what passes through.
    pub size: usize,
}

/// Two directions side by side, [T, N, 2 H]: at row t the forward one's row t and the reverse one's row L - 1 - t, so that both saw the
/// position last. Zero past a lane's end.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// The forward and the reverse layer, each of `size / 2` units.
    pub parts: [usize; 2],
    /// Width of its output, 2 H.
    pub size: usize,
    /// Whether the reverse part is turned back. It is not where only a last-step head follows: then row L - 1 holds both *final* states.
    pub turns: bool,
}

/// From the last layer's output to logits or predictions.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// At which time steps.
    pub predict: Predict,
    /// Width of its input.
    pub input: usize,
    /// Outputs.
    pub size: usize,
    /// `[size, input]` and `[size]` in the flat buffer; none for an identity head.
    pub weights: Option<(Range<usize>, Range<usize>)>,
}

impl Layer {
    /// Width of the layer's output.
    pub fn size(&self) -> usize {
        match self {
            Layer::Recurrent(layer) => layer.size,
            Layer::Dense(layer) => layer.size,
            Layer::Dropout(layer) => layer.size,
            Layer::BatchNorm(layer) => layer.size,
            Layer::Turn(layer) => layer.size,
            Layer::Join(layer) => layer.size,
        }
    }

    /// Whether it has parameters.
    pub fn is_weighted(&self) -> bool {
        matches!(self, Layer::Recurrent(_) | Layer::Dense(_) | Layer::BatchNorm(_))
    }
}

impl Site {
    /// Elements of its mask for a window: [T, N, size], [copies, N, size] or [copies, size], as its shape says. Saturates instead of
    /// overflowing.
    pub fn elements(&self, lanes: usize, time: usize) -> usize {
        let rows = match self.mask {
            MaskShape::Step => time.saturating_mul(lanes),
            MaskShape::Sequence => lanes,
            MaskShape::Batch => 1,
        };
        rows.saturating_mul(self.copies * self.size)
    }

    /// The mask's element that decides on the first unit of one copy at time step t in a lane; the other units follow it.
    pub fn element(&self, t: usize, lane: usize, lanes: usize, copy: usize) -> usize {
        let row = match self.mask {
            MaskShape::Step => t * lanes + lane,
            MaskShape::Sequence => copy * lanes + lane,
            MaskShape::Batch => copy,
        };
        row * self.size
    }

    /// Factor of what is kept.
    pub fn scale(&self) -> f64 {
        1.0 / (1.0 - self.rate)
    }
}
