//! THE table of devices: which backend a name stands for.

use rnnkit_core::backend::Backend;
use rnnkit_core::reference::Reference;
use rnnkit_core::{Error, Result};
use rnnkit_cpu::Cpu;
use rnnkit_wgpu::Precision;

use crate::gpu;
use crate::runner::{Case, Computed, Problem, run_case};

/// The names that [`open`] knows.
pub const NAMES: [&str; 4] = ["reference", "reference-f64", "cpu", "gpu"];

type RunCase = dyn Fn(&Case) -> Result<Computed, Problem>;

/// A backend that runs cases.
pub struct Device {
    /// Device and kernels in words.
    pub describe: String,
    run: Box<RunCase>,
}

impl Device {
    /// What the case asks for, as far as this device can do it.
    pub fn run(&self, case: &Case) -> Result<Computed, Problem> {
        (self.run)(case)
    }

    fn new<B: Backend>(make: impl Fn() -> Result<B> + 'static) -> Result<Self> {
        Ok(Self { describe: make()?.describe(), run: Box::new(move |case| run_case(&make, case)) })
    }
}

/// The device of that name. A new backend is one more line here.
pub fn open(name: &str) -> Result<Device> {
    match name {
        "reference" => Device::new(|| Ok(Reference::<f32>::new())),
        "reference-f64" => Device::new(|| Ok(Reference::<f64>::new())),
        "cpu" => Device::new(|| Cpu::new(available_parallelism())),
        "gpu" => Device::new(|| gpu::open(Precision::F32, None)),
        _ => Err(unavailable(name, &format!("it must be one of {}", NAMES.join(", ")))),
    }
}

/// As many threads as the machine has processors.
fn available_parallelism() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn unavailable(device: &str, reason: &str) -> Error {
    Error::DeviceUnavailable { device: device.to_owned(), reason: reason.to_owned() }
}
