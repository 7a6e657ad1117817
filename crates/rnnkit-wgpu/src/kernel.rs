//! The kernels: which files each is joined of, what it is bound to, and what it takes.

use rnnkit_core::cell::CellKind;

use crate::Precision;
use crate::arguments::{self as args, Arguments};
use crate::resident::{ResidentShape, product_text};

/// How a kernel uses a buffer. One that a dispatch writes may not be bound for reading alone in the same dispatch, so only what no kernel
/// writes is. Several bindings may have the same buffer, whose elements that one of them writes no other touches: wgpu allows it on Vulkan,
/// Metal and DX12; a browser would not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// `var<storage, read>`.
    Read,
    /// `var<storage, read_write>`.
    ReadWrite,
}

/// How the matrices of a product lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProductKind {
    /// y = W x: A [rows, inner], B [columns, inner].
    Affine,
    /// dx = Wᵀ dy: A [rows, inner], B [inner, columns].
    Back,
    /// dW = dy xᵀ: A [inner, rows], B [inner, columns].
    Outer,
}

/// The kinds of optimizer, as kernels tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OptimizerKind {
    /// SGD.
    Sgd,
    /// Adagrad.
    Adagrad,
    /// RMSprop.
    RmsProp,
    /// Adam and AdamW.
    Adam,
}

/// Names a kernel; two that differ have different source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KernelId {
    Gather,
    KeepCarry,
    Embed,
    GatherReal,
    Pick,
    Masks,
    Dropout,
    Copy,
    ActivationBackward,
    Product(ProductKind),
    WeightGradients,
    SumParts,
    Pack,
    StepForward(CellKind),
    StepBackward(CellKind),
    ResidentForward(ResidentShape),
    ResidentBackward(ResidentShape),
    SoftmaxLoss,
    SquaredLoss,
    LossSum,
    ScaleGradients,
    NormParts,
    Norm,
    TryUpdate(OptimizerKind, usize),
    Update(OptimizerKind, usize),
}

/// A kernel, ready to be compiled.
pub struct Kernel {
    /// Its one entry point.
    pub entry: &'static str,
    /// The joined files.
    pub source: String,
    /// One for each binding of group 0.
    pub bindings: &'static [Access],
    /// Fields of its immediates: those of the struct, and of one nested at its end.
    pub arguments: &'static [&'static [(&'static str, &'static str)]],
    /// Tables whose entries the shader has as structs: the struct's name and its fields.
    pub tables: &'static [(&'static str, &'static [(&'static str, &'static str)])],
}

macro_rules! shader {
    ($name:literal) => {
        include_str!(concat!("../shaders/", $name, ".wgsl"))
    };
}

const NUMBERS: &str = shader!("common/numbers");
const STATE: &str = shader!("common/state");
const TREE: &str = shader!("common/tree");
const JOB: &str = shader!("common/job");
const PREDICTED_ROW: &str = shader!("head/predicted_row");
const CARRIED_STATE: &str = shader!("input/carried_state");
const NORM_PART: &str = shader!("update/norm_part");
const ACTIVATION: &str = shader!("rows/activation");

const READ: Access = Access::Read;
const WRITE: Access = Access::ReadWrite;

/// Files of a cell, those that others need first.
fn cell_files(cell: CellKind) -> [&'static str; 5] {
    let (flag, equations, gates) = match cell {
        CellKind::ElmanTanh => (shader!("cell/tanh"), shader!("cell/elman"), shader!("cell/gates1")),
        CellKind::ElmanRelu => (shader!("cell/relu"), shader!("cell/elman"), shader!("cell/gates1")),
        CellKind::Gru => ("", shader!("cell/gru"), shader!("cell/gates3")),
        CellKind::Lstm => ("", shader!("cell/lstm"), shader!("cell/gates4")),
    };
    [NUMBERS, flag, equations, shader!("cell/unit"), gates]
}

/// Everything of a recurrent kernel but its loop.
pub fn recurrent_files(cell: CellKind, precision: Precision) -> Vec<&'static str> {
    let mut files = vec![precision_file(precision)];
    files.extend(cell_files(cell));
    files.extend([shader!("recurrent/layer"), shader!("recurrent/time_step")]);
    files
}

fn precision_file(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => shader!("precision/f32"),
        Precision::F16 => shader!("precision/f16"),
    }
}

/// Shapes that have every kind of text: weights in one place, in two, in all three; one lane and several; sizes that fill their quads or not.
#[cfg(test)]
fn resident_shapes(cell: CellKind) -> [ResidentShape; 4] {
    let shape =
        |size, parts, lanes, quads, in_registers, in_memory| ResidentShape { cell, size, parts, lanes, quads, in_registers, in_memory };
    [shape(1, 1, 1, 1, 4, 0), shape(33, 3, 2, 3, 2, 3), shape(19, 5, 5, 1, 1, 0), shape(128, 4, 1, 8, 16, 4)]
}

/// What every recurrent kernel is bound to: arena, packed weights, parameters, words, layers.
pub const RECURRENT: &[Access] = &[WRITE, WRITE, WRITE, WRITE, READ];

impl KernelId {
    /// Every kernel there is.
    #[cfg(test)]
    pub fn all() -> Vec<Self> {
        use KernelId::*;
        use ProductKind::*;
        let mut all = vec![
            Gather,
            KeepCarry,
            Embed,
            GatherReal,
            Pick,
            Masks,
            Dropout,
            Copy,
            ActivationBackward,
            WeightGradients,
            SumParts,
            Pack,
            SoftmaxLoss,
            SquaredLoss,
            LossSum,
            ScaleGradients,
            NormParts,
            Norm,
        ];
        all.extend([Affine, Back, Outer].map(Product));
        for cell in [CellKind::ElmanTanh, CellKind::ElmanRelu, CellKind::Gru, CellKind::Lstm] {
            all.extend([StepForward(cell), StepBackward(cell)]);
            all.extend(resident_shapes(cell).into_iter().flat_map(|shape| [ResidentForward(shape), ResidentBackward(shape)]));
        }
        let optimizers =
            [(OptimizerKind::Sgd, 0..2), (OptimizerKind::Adagrad, 1..2), (OptimizerKind::RmsProp, 1..4), (OptimizerKind::Adam, 2..4)];
        for (kind, moments) in optimizers {
            all.extend(moments.flat_map(|moments| [TryUpdate(kind, moments), Update(kind, moments)]));
        }
        all
    }

    /// The kernel of that name.
    pub fn kernel(self, precision: Precision) -> Kernel {
        let kernel =
            |entry, files: &[&str], bindings, arguments| Kernel { entry, source: files.join("\n"), bindings, arguments, tables: &[] };
        let with_tables = |kernel: Kernel, tables| Kernel { tables, ..kernel };
        match self {
            KernelId::Gather => with_tables(
                kernel(
                    "gather",
                    &[CARRIED_STATE, shader!("input/gather")],
                    &[WRITE, WRITE, WRITE, READ, READ, READ],
                    &[args::Gather::FIELDS],
                ),
                &[("CarriedState", args::CarriedState::FIELDS)],
            ),
            KernelId::KeepCarry => with_tables(
                kernel(
                    "keep_carry",
                    &[STATE, CARRIED_STATE, shader!("input/keep_carry")],
                    &[WRITE, WRITE, READ, WRITE],
                    &[args::KeepCarry::FIELDS],
                ),
                &[("CarriedState", args::CarriedState::FIELDS)],
            ),
            KernelId::Embed => kernel("embed", &[shader!("input/embed")], &[WRITE, WRITE, WRITE], &[args::Embed::FIELDS]),
            KernelId::GatherReal => {
                kernel("gather_real", &[shader!("input/gather_real")], &[WRITE, READ, READ], &[args::GatherReal::FIELDS])
            }
            KernelId::Pick => {
                kernel("pick", &[NUMBERS, ACTIVATION, shader!("input/pick")], &[WRITE, WRITE, WRITE, WRITE], &[args::Pick::FIELDS])
            }
            KernelId::Masks => kernel("masks", &[shader!("common/threefry"), shader!("rows/masks")], &[WRITE], &[args::DrawMasks::FIELDS]),
            KernelId::Dropout => kernel("dropout", &[shader!("rows/dropout")], &[WRITE, WRITE], &[args::Drop::FIELDS]),
            KernelId::Copy => kernel("copy", &[shader!("rows/copy")], &[WRITE], &[args::Copy::FIELDS]),
            KernelId::ActivationBackward => kernel(
                "activation_backward",
                &[NUMBERS, ACTIVATION, shader!("rows/activation_backward")],
                &[WRITE, WRITE],
                &[args::ActivationBackward::FIELDS],
            ),
            KernelId::Product(kind) => {
                let lie = match kind {
                    ProductKind::Affine => shader!("product/affine"),
                    ProductKind::Back => shader!("product/back"),
                    ProductKind::Outer => shader!("product/outer"),
                };
                let files = [NUMBERS, ACTIVATION, lie, shader!("product/tile"), shader!("product/product")];
                kernel("product", &files, &[WRITE, WRITE, WRITE, WRITE], &[args::Product::FIELDS])
            }
            KernelId::WeightGradients => with_tables(
                kernel(
                    "weight_gradients",
                    &[shader!("product/outer"), shader!("product/tile"), JOB, shader!("product/weight_gradients")],
                    &[WRITE, WRITE, READ, READ],
                    &[args::WeightGradients::FIELDS],
                ),
                &[("Job", args::GradientJob::FIELDS)],
            ),
            KernelId::SumParts => with_tables(
                kernel("sum_parts", &[JOB, shader!("product/sum_parts")], &[WRITE, WRITE, READ], &[args::Jobs::FIELDS]),
                &[("Parts", args::PartsJob::FIELDS)],
            ),
            KernelId::Pack => with_tables(
                kernel(
                    "pack",
                    &[precision_file(precision), JOB, shader!("weights/pack")],
                    &[WRITE, WRITE, WRITE, READ],
                    &[args::Jobs::FIELDS],
                ),
                &[("Job", args::PackJob::FIELDS)],
            ),
            KernelId::StepForward(cell) => {
                recurrent(cell, precision, "step_forward", &[shader!("recurrent/step_forward")], &[args::StepForward::FIELDS])
            }
            KernelId::StepBackward(cell) => {
                recurrent(cell, precision, "step_backward", &[shader!("recurrent/step_backward")], &[args::StepBackward::FIELDS])
            }
            KernelId::ResidentForward(shape) => resident(&shape, precision, "resident_forward", shader!("recurrent/resident_forward")),
            KernelId::ResidentBackward(shape) => resident(&shape, precision, "resident_backward", shader!("recurrent/resident_backward")),
            KernelId::SoftmaxLoss => kernel(
                "softmax_loss",
                &[NUMBERS, TREE, PREDICTED_ROW, shader!("head/softmax_loss")],
                &[WRITE, WRITE, READ, READ, READ],
                &[args::SoftmaxLoss::FIELDS],
            ),
            KernelId::SquaredLoss => kernel(
                "squared_loss",
                &[PREDICTED_ROW, shader!("head/squared_loss")],
                &[WRITE, WRITE, READ, READ, READ],
                &[args::SquaredLoss::FIELDS],
            ),
            KernelId::LossSum => with_tables(
                kernel("loss_sum", &[NUMBERS, STATE, TREE, shader!("head/loss_sum")], &[WRITE, WRITE], &[args::LossSum::FIELDS]),
                &[("WindowReport", args::WindowReport::FIELDS)],
            ),
            KernelId::ScaleGradients => {
                kernel("scale_gradients", &[STATE, shader!("head/scale_gradients")], &[WRITE, WRITE], &[args::ScaleGradients::FIELDS])
            }
            KernelId::NormParts => with_tables(
                kernel(
                    "norm_parts",
                    &[NUMBERS, TREE, NORM_PART, shader!("update/norm_parts")],
                    &[WRITE, WRITE],
                    &[args::NormParts::FIELDS],
                ),
                &[("NormPart", args::NormPart::FIELDS)],
            ),
            KernelId::Norm => with_tables(
                kernel("norm", &[NUMBERS, STATE, TREE, NORM_PART, shader!("update/norm")], &[WRITE, WRITE], &[args::Norm::FIELDS]),
                &[("NormPart", args::NormPart::FIELDS), ("WindowReport", args::WindowReport::FIELDS)],
            ),
            KernelId::TryUpdate(optimizer, moments) => step(optimizer, moments, "try_update", shader!("update/try_update")),
            KernelId::Update(optimizer, moments) => step(optimizer, moments, "update", shader!("update/update")),
        }
    }
}

fn recurrent(
    cell: CellKind,
    precision: Precision,
    entry: &'static str,
    own: &[&str],
    arguments: &'static [&'static [(&'static str, &'static str)]],
) -> Kernel {
    let mut files: Vec<&str> = recurrent_files(cell, precision);
    files.extend(own);
    Kernel { entry, source: files.join("\n"), bindings: RECURRENT, arguments, tables: &[("Layer", args::LayerPlace::FIELDS)] }
}

fn resident(shape: &ResidentShape, precision: Precision, entry: &'static str, file: &'static str) -> Kernel {
    let own = [shader!("recurrent/resident"), &product_text(shape), file];
    recurrent(shape.cell, precision, entry, &own, &[args::Resident::FIELDS])
}

fn step(optimizer: OptimizerKind, moments: usize, entry: &'static str, file: &'static str) -> Kernel {
    let moments = [shader!("update/moments0"), shader!("update/moments1"), shader!("update/moments2"), shader!("update/moments3")][moments];
    let (equations, arguments): (_, &'static [_]) = match optimizer {
        OptimizerKind::Sgd => (shader!("update/sgd"), &[args::Step::FIELDS, args::Sgd::FIELDS]),
        OptimizerKind::Adagrad => (shader!("update/adagrad"), &[args::Step::FIELDS, args::Adagrad::FIELDS]),
        OptimizerKind::RmsProp => (shader!("update/rmsprop"), &[args::Step::FIELDS, args::RmsProp::FIELDS]),
        OptimizerKind::Adam => (shader!("update/adam"), &[args::Step::FIELDS, args::Adam::FIELDS]),
    };
    let source = [NUMBERS, STATE, moments, equations, shader!("update/step"), file].join("\n");
    Kernel { entry, source, bindings: &[WRITE; 6], arguments, tables: &[] }
}
