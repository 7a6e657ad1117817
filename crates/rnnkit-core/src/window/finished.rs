//! What a backend hands back when a call's windows are done.

use super::Report;

/// A call's reports, and whose clock knows how long its windows took.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// One for each window since the call began.
    pub reports: Vec<Report>,
    /// Who clocks them.
    pub clock: Clock,
}

/// Whose clock knows how long the windows of a call took.
#[derive(Debug, Clone, PartialEq)]
pub enum Clock {
    /// The host's, around each window: its work is done when its stages return.
    Window,
    /// The host's, around the whole call: stages only record, and the device tells no times.
    Call,
    /// The device's: milliseconds of each window since the call began.
    Timestamps(Vec<f64>),
}
