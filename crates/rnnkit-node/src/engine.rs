//! Which backend a session runs on: the one place that knows them all.

use rnnkit_core::error::{Error, Result};
use rnnkit_core::reference::Reference;
use rnnkit_core::session::Session;
use rnnkit_core::spec::ModelSpec;
use rnnkit_cpu::Cpu;

/// A session on one of the backends; all of them speak f32.
pub enum Engine {
    /// The oracle: slow and plain.
    Reference(Session<Reference<f32>>),
    /// The processor.
    Cpu(Session<Cpu>),
}

impl Engine {
    /// `memory_limit`: bytes that parameters, workspaces and data may take together.
    pub fn new(spec: &ModelSpec, device: &str, threads: usize, memory_limit: u64) -> Result<Self> {
        match device {
            "cpu" => Ok(Engine::Cpu(Session::new(Cpu::new(threads)?, spec, memory_limit)?)),
            "reference" => Ok(Engine::Reference(Session::new(Reference::new(), spec, memory_limit)?)),
            other => {
                let reason = if other == "gpu" { "this build has no GPU backend" } else { "there is no such device" };
                Err(Error::DeviceUnavailable { device: other.to_owned(), reason: format!("{reason}; 'auto' or 'cpu' would do") })
            }
        }
    }
}

/// Evaluates an expression on the session, whichever backend it has.
macro_rules! on_session {
    ($engine:expr, $session:ident => $result:expr) => {
        match $engine {
            $crate::engine::Engine::Reference($session) => $result,
            $crate::engine::Engine::Cpu($session) => $result,
        }
    };
}
pub(crate) use on_session;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_named_with_those_that_are() {
        let spec = crate::worker::tests::tiny();
        for device in ["gpu", "tpu", ""] {
            let Err(error) = Engine::new(&spec, device, 1, u64::MAX) else { panic!("'{device}' is no device") };
            assert_eq!(error.code(), "ERR_DEVICE_UNAVAILABLE");
            assert!(error.to_string().contains("'auto' or 'cpu' would do"), "{error}");
        }
        assert!(Engine::new(&spec, "cpu", 1, u64::MAX).is_ok());
    }
}
