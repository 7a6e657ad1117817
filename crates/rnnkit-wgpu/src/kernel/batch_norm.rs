//! The kernels of batch normalisation.

use super::{Kernel, LENGTHS, NUMBERS, READ, STATE, WRITE};
use crate::arguments::{self as args, Arguments};

/// Names such a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchNormKernel {
    Statistics,
    Normalize,
    FeatureGradients,
    NormalizeBackward,
    MovingStatistics,
}

const SUMS: &str = shader!("batch_norm/feature_sums");
const NORMALIZED: &str = shader!("batch_norm/normalized");

impl BatchNormKernel {
    /// Every one.
    #[cfg(test)]
    pub const ALL: [Self; 5] = [Self::Statistics, Self::Normalize, Self::FeatureGradients, Self::NormalizeBackward, Self::MovingStatistics];

    /// The kernel of that name.
    pub fn kernel(self) -> Kernel {
        let kernel =
            |entry, files: &[&str], bindings, arguments| Kernel { entry, source: files.join("\n"), bindings, arguments, tables: &[] };
        match self {
            Self::Statistics => {
                let files = [NUMBERS, STATE, LENGTHS, SUMS, shader!("batch_norm/statistics")];
                kernel("statistics", &files, &[WRITE, WRITE, READ, WRITE], &[args::Statistics::FIELDS])
            }
            Self::Normalize => {
                let files = [LENGTHS, NORMALIZED, shader!("batch_norm/normalize")];
                kernel("normalize_rows", &files, &[WRITE, WRITE, READ], &[args::Normalize::FIELDS])
            }
            Self::FeatureGradients => {
                let files = [LENGTHS, SUMS, NORMALIZED, shader!("batch_norm/feature_gradients")];
                kernel("feature_gradients", &files, &[WRITE, WRITE, READ], &[args::FeatureGradients::FIELDS])
            }
            Self::NormalizeBackward => {
                let files = [LENGTHS, NORMALIZED, shader!("batch_norm/normalize_backward")];
                kernel("normalize_backward", &files, &[WRITE, WRITE, WRITE, READ], &[args::NormalizeBackward::FIELDS])
            }
            Self::MovingStatistics => {
                let files = [STATE, shader!("batch_norm/moving_statistics")];
                kernel("moving_statistics", &files, &[WRITE, WRITE, WRITE], &[args::MovingStatistics::FIELDS])
            }
        }
    }
}
