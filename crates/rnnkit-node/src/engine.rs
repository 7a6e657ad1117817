//! Which backend a session runs on: the one place that knows them all.

use rnnkit_core::error::{Error, Result};
use rnnkit_core::reference::Reference;
use rnnkit_core::session::Session;
use rnnkit_core::spec::ModelSpec;
use rnnkit_cpu::Cpu;
#[cfg(feature = "gpu")]
use rnnkit_wgpu::Gpu;

use crate::device::{DeviceName, DeviceSpec, Precision};

/// A session on one of the backends; all of them speak f32.
pub enum Engine {
    /// The oracle: slow and plain.
    Reference(Session<Reference<f32>>),
    /// The processor.
    Cpu(Session<Cpu>),
    /// A GPU.
    #[cfg(feature = "gpu")]
    Gpu(Box<Session<Gpu>>),
}

impl Engine {
    /// `memory_limit`: bytes of the host that parameters, workspaces and data may take together. A GPU's own memory is its backend's to
    /// limit.
    pub fn new(spec: &ModelSpec, device: &DeviceSpec, memory_limit: u64) -> Result<Self> {
        device.check()?;
        match device.name {
            DeviceName::Cpu => Self::cpu(spec, device.threads as usize, cpu_precision(device), memory_limit),
            DeviceName::Reference => Ok(Engine::Reference(Session::new(Reference::new(), spec, memory_limit)?)),
            #[cfg(feature = "gpu")]
            DeviceName::Gpu => Ok(Engine::Gpu(Box::new(Session::new(open_gpu(device)?, spec, u64::MAX)?))),
            #[cfg(not(feature = "gpu"))]
            DeviceName::Gpu => Err(no_gpu("this build has no GPU backend")),
        }
    }

    /// On the processor.
    pub fn cpu(spec: &ModelSpec, threads: usize, precision: rnnkit_cpu::Precision, memory_limit: u64) -> Result<Self> {
        Ok(Engine::Cpu(Session::new(Cpu::new(threads)?.with_precision(precision), spec, memory_limit)?))
    }
}

/// f16 does not come here: [`DeviceSpec::check`] refuses it.
fn cpu_precision(device: &DeviceSpec) -> rnnkit_cpu::Precision {
    match device.precision {
        Precision::Bf16 => rnnkit_cpu::Precision::Bf16,
        Precision::F32 | Precision::F16 => rnnkit_cpu::Precision::F32,
    }
}

/// Whether a session can be had there, by opening it: the only way to know.
pub fn check_device(device: &DeviceSpec) -> Result<()> {
    device.check()?;
    match device.name {
        DeviceName::Cpu | DeviceName::Reference => Ok(()),
        #[cfg(feature = "gpu")]
        DeviceName::Gpu => open_gpu(device).map(drop),
        #[cfg(not(feature = "gpu"))]
        DeviceName::Gpu => Err(no_gpu("this build has no GPU backend")),
    }
}

#[cfg(feature = "gpu")]
fn open_gpu(device: &DeviceSpec) -> Result<Gpu> {
    use crate::device::Form;

    let options = rnnkit_wgpu::GpuOptions {
        adapter: device.adapter.clone(),
        form: device.form.map(|form| match form {
            Form::Step => rnnkit_wgpu::Form::Step,
            Form::Resident => rnnkit_wgpu::Form::Resident,
        }),
        precision: match device.precision {
            Precision::F16 => rnnkit_wgpu::Precision::F16,
            Precision::F32 | Precision::Bf16 => rnnkit_wgpu::Precision::F32,
        },
    };
    rnnkit_wgpu::open(&options).map_err(|error| match error {
        Error::DeviceUnavailable { reason, .. } => no_gpu(&reason),
        other => other,
    })
}

fn no_gpu(reason: &str) -> Error {
    let remedy = "device 'auto' or 'cpu' would do, and `rnnkit devices` says what is there";
    Error::DeviceUnavailable { device: "gpu".to_owned(), reason: format!("{reason}; {remedy}") }
}

/// Evaluates an expression on the session, whichever backend it has.
macro_rules! on_session {
    ($engine:expr, $session:ident => $result:expr) => {
        match $engine {
            $crate::engine::Engine::Reference($session) => $result,
            $crate::engine::Engine::Cpu($session) => $result,
            #[cfg(feature = "gpu")]
            $crate::engine::Engine::Gpu($session) => $result,
        }
    };
}
pub(crate) use on_session;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tests::device;

    #[test]
    fn a_gpu_that_is_not_there_is_named_with_what_would_do() {
        let spec = crate::worker::tests::tiny();
        let absent = DeviceSpec { adapter: Some("no adapter has this name".to_owned()), ..device("gpu") };
        for result in [Engine::new(&spec, &absent, u64::MAX).map(drop), check_device(&absent)] {
            let error = result.unwrap_err();
            assert_eq!(error.code(), "ERR_DEVICE_UNAVAILABLE");
            assert!(error.to_string().contains("'auto' or 'cpu' would do"), "{error}");
        }
        assert!(Engine::new(&spec, &device("cpu"), u64::MAX).is_ok() && check_device(&device("cpu")).is_ok());
    }
}
