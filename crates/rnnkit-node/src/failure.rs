//! Why a call has no result: an error of the core, or a session that takes no more calls.

use std::any::Any;

use rnnkit_core::{Error, ErrorData};

/// Anything that an outcome can carry instead of a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The core refused.
    Core(Error),
    /// The session was closed before the call ran or while it did.
    Disposed,
    /// An earlier call panicked, and what it left behind cannot be trusted.
    Poisoned,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Core(error)
    }
}

impl Failure {
    /// What a caught panic becomes.
    pub fn of_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Failure::Core(Error::internal(text.unwrap_or_else(|| "a panic without a message".to_owned())))
    }

    /// Code, message, field and value.
    pub fn data(&self) -> ErrorData {
        let data = |code, message: &str| ErrorData { code, message: message.to_owned(), field: None, value: None };
        match self {
            Failure::Core(error) => error.data(),
            Failure::Disposed => data("ERR_DISPOSED", "the model was disposed; load or train another"),
            Failure::Poisoned => {
                data(Error::internal("").code(), "the session was stopped by an earlier internal error; load or train the model again")
            }
        }
    }
}
