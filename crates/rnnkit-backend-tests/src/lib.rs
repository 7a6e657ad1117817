//! One suite for every backend, the table of tolerances, and the reference cases with their runner.
//!
//! A backend joins by a line in [`devices`] (for the reference cases) and a call of [`backend_suite!`] in `tests/`.

pub mod devices;
pub mod gpu;
pub mod long_training;
pub mod runner;
pub mod steps;
pub mod suite;
pub mod tolerances;
pub mod window;
