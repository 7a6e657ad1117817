//! The kernels that move rows along their lanes: turned, joined, picked at the end, cleared behind it.

use super::{Access, Kernel, LENGTHS};
use crate::arguments::{self as args, Arguments};

/// Names such a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LanesKernel {
    Turn,
    Join,
    LastRows,
    EndedRows,
}

impl LanesKernel {
    /// Every one.
    #[cfg(test)]
    pub const ALL: [Self; 4] = [Self::Turn, Self::Join, Self::LastRows, Self::EndedRows];

    /// The kernel of that name; bound to arena and plan.
    pub fn kernel(self) -> Kernel {
        let (entry, file, arguments): (_, _, &'static [_]) = match self {
            Self::Turn => ("turn", shader!("rows/turn"), &[args::Turn::FIELDS]),
            Self::Join => ("join", shader!("rows/join"), &[args::Join::FIELDS]),
            Self::LastRows => ("last_rows", shader!("rows/last_rows"), &[args::LastRows::FIELDS]),
            Self::EndedRows => ("ended_rows", shader!("rows/ended_rows"), &[args::EndedRows::FIELDS]),
        };
        Kernel { entry, source: [LENGTHS, file].join("\n"), bindings: &[Access::ReadWrite, Access::Read], arguments, tables: &[] }
    }
}
