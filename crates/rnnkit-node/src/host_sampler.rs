//! Samples on the CPU a model that trains elsewhere: a GPU is slow at one symbol at a time.

use rnnkit_core::error::Result;
use rnnkit_core::spec::ModelSpec;
use rnnkit_cpu::Precision;

use crate::engine::{Engine, on_session};

/// The same model on the CPU, made when it is first asked for.
pub struct HostSampler {
    spec: ModelSpec,
    threads: usize,
    /// Bytes.
    memory_limit: u64,
    copy: Option<Duplicate>,
}

/// The model, and which of the original's parameters it has.
struct Duplicate {
    engine: Engine,
    changes: u64,
}

impl HostSampler {
    /// `memory_limit`: bytes that the copy may take.
    pub fn new(spec: &ModelSpec, threads: usize, memory_limit: u64) -> Self {
        HostSampler { spec: spec.clone(), threads, memory_limit, copy: None }
    }

    /// The copy, with the original's present parameters. `changes`: how often those were written. Streams go on from their carry, as
    /// they do on a session that trains and samples by itself.
    pub fn up_to_date(&mut self, original: &mut Engine, changes: u64) -> Result<&mut Engine> {
        if self.copy.as_ref().is_none_or(|copy| copy.changes != changes) {
            let values = on_session!(original, session => session.parameters())?;
            let mut engine = match self.copy.take() {
                Some(copy) => copy.engine,
                None => Engine::cpu(&self.spec, self.threads, Precision::F32, self.memory_limit)?,
            };
            on_session!(&mut engine, session => session.set_parameters(&values))?;
            self.copy = Some(Duplicate { engine, changes });
        }
        self.as_it_is().ok_or_else(|| rnnkit_core::Error::internal("the copy that samples is missing"))
    }

    /// The copy, if there is one, with whatever parameters it has.
    pub fn as_it_is(&mut self) -> Option<&mut Engine> {
        self.copy.as_mut().map(|copy| &mut copy.engine)
    }
}
