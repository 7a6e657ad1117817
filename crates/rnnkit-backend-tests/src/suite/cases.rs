//! The reference cases of the repository: the numbers a backend computes against PyTorch's.

use std::path::Path;

use rnnkit_core::backend::Backend;

use super::Make;
use crate::runner::{Case, SCHEDULES, run_case};
use crate::tolerances::Tolerance;

/// Where they lie.
const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../__test__/reference/cases");

/// Every case passes but those of the schedules, which are the package's.
pub fn the_reference_cases_pass<B: Backend>(make: Make<'_, B>) {
    let mut done = 0;
    for entry in std::fs::read_dir(CASES).expect("the repository has the cases") {
        let path = entry.expect("a readable folder").path();
        if path.extension().is_none_or(|ending| ending != "safetensors") {
            continue;
        }
        let case = Case::open(&path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        if case.section() != SCHEDULES {
            passes(make, &case, &path);
            done += 1;
        }
    }
    assert!(done > 0, "{CASES} holds no case");
}

/// Panics for a case that does not pass.
fn passes<B: Backend>(make: Make<'_, B>, case: &Case, path: &Path) {
    let name = path.file_stem().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    let computed = run_case(&|| Ok(make()), case).unwrap_or_else(|problem| panic!("{name}: {problem}"));
    let number = |key: &str, default: f64| case.number(key).unwrap_or(default);
    let tolerance = Tolerance { rtol: number("rtol", 1e-4), atol: number("atol", 1e-5), reason: "the case's own" };
    for (tensor, got) in &computed {
        tolerance.assert(&format!("{name}: {tensor}"), &got.values(), &case.answers()[tensor].values());
    }
}
