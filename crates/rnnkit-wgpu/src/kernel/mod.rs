//! The kernels: which files each is joined of, what it is bound to, and what it takes.

macro_rules! shader {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $name, ".wgsl"))
    };
}

mod batch_norm;
mod lanes;
mod recurrent;

use rnnkit_core::cell::CellKind;

use self::recurrent::{recurrent, resident};

use crate::Precision;
use crate::arguments::{self as args, Arguments};
use crate::resident::ResidentShape;

pub use batch_norm::BatchNormKernel;
pub use lanes::LanesKernel;

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
    OneHotRows,
    GatherReal,
    Pick,
    Masks,
    Dropout,
    Copy,
    ActivationBackward,
    Lanes(LanesKernel),
    BatchNorm(BatchNormKernel),
    Product(ProductKind),
    WeightGradients,
    SumParts,
    Pack,
    StepForward(CellKind),
    StepBackward(CellKind),
    ResidentForward(ResidentShape),
    ResidentBackward(ResidentShape),
    UnitForward(CellKind),
    UnitBackward(CellKind),
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

const NUMBERS: &str = shader!("common/numbers");
const STATE: &str = shader!("common/state");
const TREE: &str = shader!("common/tree");
const LENGTHS: &str = shader!("common/lengths");
const JOB: &str = shader!("common/job");
const PREDICTED_ROW: &str = shader!("head/predicted_row");
const CARRIED_STATE: &str = shader!("input/carried_state");
const NORM_PART: &str = shader!("update/norm_part");
const ACTIVATION: &str = shader!("rows/activation");

const READ: Access = Access::Read;
const WRITE: Access = Access::ReadWrite;

fn precision_file(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => shader!("precision/f32"),
        Precision::F16 => shader!("precision/f16"),
    }
}

/// The cells.
#[cfg(test)]
pub const CELLS: [CellKind; 6] =
    [CellKind::ElmanTanh, CellKind::ElmanRelu, CellKind::ElmanTanhSeparate, CellKind::ElmanReluSeparate, CellKind::Gru, CellKind::Lstm];

/// Shapes that have every kind of text: weights in one place, in two, in all three; one lane and several; sizes that fill their quads or not.
#[cfg(test)]
fn resident_shapes(cell: CellKind) -> [ResidentShape; 4] {
    let shape =
        |size, parts, lanes, quads, in_registers, in_memory| ResidentShape { cell, size, parts, lanes, quads, in_registers, in_memory };
    [shape(1, 1, 1, 1, 4, 0), shape(33, 3, 2, 3, 2, 3), shape(19, 5, 5, 1, 1, 0), shape(128, 4, 1, 8, 16, 4)]
}

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
            OneHotRows,
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
        all.extend(LanesKernel::ALL.map(Lanes));
        all.extend(BatchNormKernel::ALL.map(BatchNorm));
        for cell in CELLS {
            all.extend([StepForward(cell), StepBackward(cell), UnitForward(cell), UnitBackward(cell)]);
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
                    &[CARRIED_STATE, LENGTHS, shader!("input/gather")],
                    &[WRITE, WRITE, WRITE, READ, READ, READ],
                    &[args::Gather::FIELDS],
                ),
                &[("CarriedState", args::CarriedState::FIELDS)],
            ),
            KernelId::KeepCarry => with_tables(
                kernel(
                    "keep_carry",
                    &[STATE, CARRIED_STATE, LENGTHS, shader!("input/keep_carry")],
                    &[WRITE, WRITE, READ, WRITE, READ],
                    &[args::KeepCarry::FIELDS],
                ),
                &[("CarriedState", args::CarriedState::FIELDS)],
            ),
            KernelId::Embed => kernel("embed", &[shader!("input/embed")], &[WRITE, WRITE, WRITE], &[args::Embed::FIELDS]),
            KernelId::OneHotRows => kernel("one_hot_rows", &[shader!("input/one_hot_rows")], &[WRITE, WRITE], &[args::OneHotRows::FIELDS]),
            KernelId::GatherReal => {
                kernel("gather_real", &[LENGTHS, shader!("input/gather_real")], &[WRITE, READ, READ], &[args::GatherReal::FIELDS])
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
            KernelId::Lanes(kernel) => kernel.kernel(),
            KernelId::BatchNorm(kernel) => kernel.kernel(),
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
            KernelId::UnitForward(cell) => {
                recurrent(cell, precision, "unit_forward", &[LENGTHS, shader!("recurrent/unit_forward")], &[args::UnitForward::FIELDS])
            }
            KernelId::UnitBackward(cell) => {
                recurrent(cell, precision, "unit_backward", &[shader!("recurrent/unit_backward")], &[args::UnitBackward::FIELDS])
            }
            KernelId::SoftmaxLoss => kernel(
                "softmax_loss",
                &[NUMBERS, TREE, LENGTHS, PREDICTED_ROW, shader!("head/softmax_loss")],
                &[WRITE, WRITE, READ, READ, READ],
                &[args::SoftmaxLoss::FIELDS],
            ),
            KernelId::SquaredLoss => kernel(
                "squared_loss",
                &[LENGTHS, PREDICTED_ROW, shader!("head/squared_loss")],
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
