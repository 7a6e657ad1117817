//! The kernels of the recurrence: a cell's files, joined with a loop's.

use rnnkit_core::cell::CellKind;

use super::{Access, Kernel, NUMBERS, READ, WRITE, precision_file};
use crate::Precision;
use crate::arguments::{self as args, Arguments};
use crate::resident::{ResidentShape, product_text};

/// What every recurrent kernel is bound to: arena, packed weights, parameters, words, layers, plan.
const RECURRENT: &[Access] = &[WRITE, WRITE, WRITE, WRITE, READ, READ];

/// Files of a cell, those that others need first.
fn cell_files(cell: CellKind) -> [&'static str; 5] {
    let (activation, equations, gates) = match cell {
        CellKind::ElmanTanh => (shader!("cell/tanh"), shader!("cell/elman"), shader!("cell/gates1")),
        CellKind::ElmanRelu => (shader!("cell/relu"), shader!("cell/elman"), shader!("cell/gates1")),
        CellKind::ElmanTanhSeparate => (shader!("cell/tanh"), shader!("cell/elman_separate"), shader!("cell/gates1")),
        CellKind::ElmanReluSeparate => (shader!("cell/relu"), shader!("cell/elman_separate"), shader!("cell/gates1")),
        CellKind::Gru => ("", shader!("cell/gru"), shader!("cell/gates3")),
        CellKind::Lstm => ("", shader!("cell/lstm"), shader!("cell/gates4")),
    };
    [NUMBERS, activation, equations, shader!("cell/unit"), gates]
}

/// Everything of a recurrent kernel but its loop.
fn recurrent_files(cell: CellKind, precision: Precision) -> Vec<&'static str> {
    let mut files = vec![precision_file(precision)];
    files.extend(cell_files(cell));
    files.extend([shader!("recurrent/layer"), shader!("recurrent/time_step")]);
    files
}

/// A kernel of that cell; its own files come last.
pub fn recurrent(
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

/// A kernel of the resident form, written for one shape.
pub fn resident(shape: &ResidentShape, precision: Precision, entry: &'static str, file: &'static str) -> Kernel {
    let own = [shader!("recurrent/resident"), &product_text(shape), file];
    recurrent(shape.cell, precision, entry, &own, &[args::Resident::FIELDS])
}
