//! The device's clock, read as the first window of a call begins and as each ends: one reading more than there are windows, since the next
//! window begins where the last one ended.

use rnnkit_core::Result;
use rnnkit_core::window::Clock;

use crate::device::{Device, Gated};
use crate::recorder::Recorder;

/// Readings that one set holds: a usual call takes fewer.
const READINGS: usize = 256;
/// Elements of 4 bytes that a reading takes.
const WORDS: usize = 2;
/// Readings are copied to places that are multiples of so many elements.
const ALIGNMENT: usize = wgpu::QUERY_RESOLVE_BUFFER_ALIGNMENT as usize / 4;

/// What the clock of a device that has one reads in a call.
pub struct Stamps {
    sets: Vec<Gated<wgpu::QuerySet>>,
    /// Windows that began; not all of them have a report.
    begun: usize,
    /// Milliseconds of a tick.
    tick: f64,
}

impl Stamps {
    /// On a device whose clock can be read.
    pub fn new(device: &Device) -> Option<Self> {
        device.tick().map(|tick| Self { sets: Vec::new(), begun: 0, tick })
    }

    /// Readies for a call of that many windows at most.
    pub fn ready(&mut self, device: &Device, windows: usize) -> Result<()> {
        self.begun = 0;
        while self.sets.len() * READINGS <= windows {
            self.sets.push(device.alloc_stamps(READINGS)?);
        }
        Ok(())
    }

    /// Window k of the call begins with what is recorded next.
    pub fn begin_window(&mut self, recorder: &mut Recorder, k: usize) {
        self.begun = k + 1;
        self.read_clock(recorder, k);
    }

    /// Reads the clock for the last time, and hands everything over with the readings copied to a buffer, from element `at` on.
    pub fn hand_over(&self, recorder: &mut Recorder, buffer: &wgpu::Buffer, at: usize) -> Result<()> {
        self.read_clock(recorder, self.begun);
        recorder.submit_after(|encoder| {
            for (first, set) in (0..=self.begun).step_by(READINGS).zip(&self.sets) {
                let readings = READINGS.min(self.begun + 1 - first) as u32;
                encoder.resolve_query_set(set, 0..readings, buffer, (at + first * WORDS) as u64 * 4);
            }
        })
    }

    /// Elements that the readings take.
    pub fn len(&self) -> usize {
        words(self.begun)
    }

    /// When all that is recorded so far is done.
    fn read_clock(&self, recorder: &mut Recorder, reading: usize) {
        recorder.read_clock(&self.sets[reading / READINGS], (reading % READINGS) as u32);
    }

    /// The windows' times out of what was read back.
    pub fn clock(&self, words: &[u32]) -> Clock {
        let readings: Vec<u64> = words.chunks_exact(WORDS).map(|pair| u64::from(pair[0]) | u64::from(pair[1]) << 32).collect();
        times(&readings, self.tick).map_or(Clock::Call, Clock::Timestamps)
    }
}

/// Where the readings of a call lie in a buffer after its first `len` elements.
pub fn begin_after(len: usize) -> usize {
    len.next_multiple_of(ALIGNMENT)
}

/// Elements that the readings of that many windows take.
pub fn words(windows: usize) -> usize {
    (windows + 1) * WORDS
}

/// Milliseconds between readings; `None` where the clock did not go on from one to the next: it has few bits and began anew, or the driver
/// does not read it.
fn times(readings: &[u64], tick: f64) -> Option<Vec<f64>> {
    let between = |pair: &[u64]| pair[1].checked_sub(pair[0]).filter(|&ticks| ticks > 0).map(|ticks| ticks as f64 * tick);
    readings.windows(2).map(between).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_takes_the_time_between_two_readings() {
        assert_eq!(times(&[1 << 40, (1 << 40) + 2000, (1 << 40) + 2500], 1e-3), Some(vec![2.0, 0.5]));
    }

    #[test]
    fn a_clock_that_does_not_go_on_is_not_believed() {
        for readings in [[0, 0, 0], [5, 9, 9], [5, 9, 2]] {
            assert_eq!(times(&readings, 1.0), None, "{readings:?}");
        }
    }

    #[test]
    fn readings_begin_where_a_driver_can_copy_them_to() {
        assert_eq!([0, 1, 64, 65].map(begin_after), [0, 64, 64, 128]);
        assert_eq!(words(3), 8);
    }
}
