//! How much work one submission holds: enough to keep the device busy, little enough that an abort or a desktop's picture waits briefly.

use std::time::Duration;

/// What a submission should take. Drivers reset a device after some seconds, and an abort is heard between submissions.
const WANTED: Duration = Duration::from_millis(40);
/// Dispatches of the first submission, and the most of any.
const FIRST: u32 = 32;
const MOST: u32 = 4096;

/// The number of dispatches of the next submission, by what the last ones took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    dispatches: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { dispatches: FIRST }
    }
}

impl Pace {
    /// Dispatches of the next submission.
    pub fn dispatches(self) -> u32 {
        self.dispatches
    }

    /// Learns from a submission of that many dispatches. It shrinks at once, and grows no more than twofold.
    pub fn learn(&mut self, dispatches: u32, took: Duration) {
        let each = took.as_secs_f64() / f64::from(dispatches.max(1));
        let wanted = (WANTED.as_secs_f64() / each.max(1e-9)) as u32;
        // A short submission tells little: it may have held the cheapest kernels alone.
        let ceiling = if dispatches * 2 >= self.dispatches { self.dispatches.saturating_mul(2) } else { self.dispatches };
        self.dispatches = wanted.clamp(1, ceiling.min(MOST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn submissions_come_to_take_what_is_wanted() {
        let mut pace = Pace::default();
        for _ in 0..20 {
            let dispatches = pace.dispatches();
            pace.learn(dispatches, Duration::from_micros(100) * dispatches);
        }
        assert_eq!(pace.dispatches(), 400);
        let dispatches = pace.dispatches();
        pace.learn(dispatches, Duration::from_millis(10) * dispatches);
        assert_eq!(pace.dispatches(), 4, "a slow device is heeded at once");
        pace.learn(4, Duration::from_secs(3));
        assert_eq!(pace.dispatches(), 1, "one dispatch is the least");
    }

    #[test]
    fn a_fast_device_gets_no_more_than_the_most() {
        let mut pace = Pace::default();
        for _ in 0..20 {
            let dispatches = pace.dispatches();
            pace.learn(dispatches, Duration::ZERO);
        }
        assert_eq!(pace.dispatches(), MOST);
        pace.learn(3, Duration::from_nanos(1));
        assert_eq!(pace.dispatches(), MOST, "a short one does not make it grow");
    }
}
