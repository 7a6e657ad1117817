//! The GPU that tests run on, if there is one: opened once for all of them, since compiling its kernels takes longer than running them.

use std::io::Write;
use std::sync::{Arc, OnceLock};

use rnnkit_core::{Error, Result};
use rnnkit_wgpu::{Device, Form, Gpu, GpuOptions, Precision};

/// Turns a missing adapter into a failure.
const REQUIRED: &str = "RNNKIT_REQUIRE_GPU";

/// The first adapter in that precision.
fn device(precision: Precision) -> &'static Result<Arc<Device>> {
    static DEVICES: [OnceLock<Result<Arc<Device>>>; 2] = [OnceLock::new(), OnceLock::new()];
    let open = || Device::open(&GpuOptions { precision, ..GpuOptions::default() }).map(Arc::new);
    DEVICES[usize::from(precision == Precision::F16)].get_or_init(open)
}

/// Whether there is a GPU in that precision; says so if not.
///
/// # Panics
/// Without a GPU where `RNNKIT_REQUIRE_GPU` is 1, or if one is there and cannot be opened.
pub fn is_there(precision: Precision) -> bool {
    match device(precision) {
        Ok(_) => true,
        Err(error @ Error::DeviceUnavailable { .. }) if std::env::var(REQUIRED).as_deref() != Ok("1") => {
            // By the handle, for what the macros print is kept from the reader of a test that passes; in one piece, for tests run at once.
            let line = format!("skipped: no GPU adapter ({error})\n");
            let _ = std::io::stderr().write_all(line.as_bytes());
            false
        }
        Err(error) => panic!("{error}"),
    }
}

/// A backend on the GPU that there is.
///
/// # Errors
/// [`Error::DeviceUnavailable`] if there is none.
pub fn open(precision: Precision, form: Option<Form>) -> Result<Gpu> {
    Ok(Gpu::on(device(precision).clone()?, form))
}
