//! How long the windows of a call took, and by which clock.

use crate::window::Clock;

/// How the milliseconds of a call's windows were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// Each window by itself, by the host's clock.
    Window,
    /// Each window by the device's own clock, from the end of the work before it to the end of its own.
    Timestamps,
    /// The call as a whole by the host's clock, and shared evenly.
    Call,
}

/// Milliseconds of each window that ran. `by_host`: as the host clocked them one by one; `whole_call`: from the call's begin to its
/// reports.
pub(super) fn milliseconds(clock: Clock, by_host: Vec<f64>, whole_call: f64) -> (Timing, Vec<f64>) {
    let windows = by_host.len();
    match clock {
        Clock::Window => (Timing::Window, by_host),
        Clock::Timestamps(mut by_device) => {
            // An interrupted window was clocked too.
            by_device.truncate(windows);
            (Timing::Timestamps, by_device)
        }
        Clock::Call => (Timing::Call, vec![whole_call / windows as f64; windows]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_window_has_the_time_of_the_clock_that_knows_it() {
        let taken = |clock| milliseconds(clock, vec![1.0, 3.0], 10.0);
        assert_eq!(taken(Clock::Window), (Timing::Window, vec![1.0, 3.0]));
        assert_eq!(taken(Clock::Call), (Timing::Call, vec![5.0, 5.0]));
        let with_an_interrupted_one = Clock::Timestamps(vec![2.0, 6.0, 0.5]);
        assert_eq!(taken(with_an_interrupted_one), (Timing::Timestamps, vec![2.0, 6.0]));
    }

    #[test]
    fn a_call_without_windows_has_no_times() {
        for clock in [Clock::Window, Clock::Call, Clock::Timestamps(vec![0.5])] {
            assert!(milliseconds(clock, Vec::new(), 10.0).1.is_empty());
        }
    }
}
