//! The reference cases: reads a case, computes its numbers on a backend, and writes them under the names the case lists.
//!
//! A runner never looks at a case's answers, name or prose: `section`, `kind`, `flavour` and `hyper` say what to do, and the shapes of the
//! tensors how large. What a case holds and the runner cannot place is a failure.

mod batch_norm;
mod case;
mod cells;
mod clip;
mod convert;
mod dropout;
mod folder;
mod hyper;
mod losses;
mod model;
mod optimizers;
mod problem;
mod sampling;
mod tbptt;

use rnnkit_core::Result;
use rnnkit_core::backend::Backend;

pub use case::{Case, Computed, Data, Tensor};
pub use folder::{Outcome, Selection, Status, run_folder};
pub use hyper::Hyper;
pub use problem::Problem;

/// The schedules are functions of the package's TypeScript side, whose door adds them.
pub const SCHEDULES: &str = "schedules";

/// Computes a case on backends that `make` gives.
pub fn run_case<B: Backend>(make: &dyn Fn() -> Result<B>, case: &Case) -> Result<Computed, Problem> {
    let computed = match (case.section(), case.kind()) {
        ("cells", _) => cells::run(make, case, &["pytorch"])?,
        ("textbook", _) => cells::run(make, case, &["none"])?,
        ("dropout", _) => cells::run_dropout(make, case)?,
        ("batchnorm", _) => batch_norm::run(make, case)?,
        ("losses", _) => losses::run(make, case)?,
        ("clip", _) => clip::run(make, case)?,
        ("optimizers", _) => optimizers::run(make, case)?,
        ("tbptt", _) => tbptt::run(make, case)?,
        ("convert", _) => convert::run(make, case)?,
        ("sampling", _) => sampling::run(case)?,
        (section, kind) => return Err(Problem::unsupported("kind", format!("{section}/{kind}"))),
    };
    case.check(computed)
}
