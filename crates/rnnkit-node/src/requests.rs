//! From what JavaScript hands over to the core's types. Everything is checked, and copied.

use napi::bindgen_prelude::{Float64Array, Uint8Array, Uint32Array};
use napi_derive::napi;
use rnnkit_core::error::{Error, Result};
use rnnkit_core::session::{EvaluationRequest, TrainingRequest};
use serde::de::DeserializeOwned;

/// The largest whole number that JavaScript can tell from its neighbours.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;
/// The most symbols sampled in one call; their memory is taken before the first.
const MAX_SYMBOLS: u64 = 1 << 20;

/// K windows to train on.
#[napi(object, object_to_js = false)]
pub struct NativeTrainingRequest {
    /// Id of the data.
    pub data: f64,
    /// Lanes N.
    pub lanes: f64,
    /// Time steps T.
    pub time: f64,
    /// [K, N]: input position of each lane's first time step.
    pub starts: Uint32Array,
    /// [K, N]: not 0 where the lane starts from a zero carry.
    pub resets: Uint8Array,
    /// [K, N]: time steps of each lane's sequence, 0 to T; left out: T of all.
    pub lengths: Option<Uint32Array>,
    /// [K].
    pub learning_rates: Float64Array,
}

impl NativeTrainingRequest {
    /// As the core wants it.
    pub fn checked(&self) -> Result<TrainingRequest> {
        let wrong = self.learning_rates.iter().position(|rate| !(*rate >= 0.0 && rate.is_finite()));
        if let Some(at) = wrong {
            return Err(Error::invalid(format!("learningRates[{at}]"), self.learning_rates[at], "a finite number of at least 0"));
        }
        Ok(TrainingRequest {
            data: index("data", self.data)?,
            lanes: count("lanes", self.lanes)?,
            time: count("time", self.time)?,
            starts: self.starts.to_vec(),
            resets: flags(&self.resets),
            lengths: self.lengths.as_ref().map(|lengths| lengths.to_vec()),
            learning_rates: self.learning_rates.to_vec(),
            masks: None,
        })
    }
}

/// K windows to evaluate.
#[napi(object, object_to_js = false)]
pub struct NativeEvaluationRequest {
    /// Id of the data.
    pub data: f64,
    /// Lanes N, as the evaluation was begun with.
    pub lanes: f64,
    /// Time steps T.
    pub time: f64,
    /// [K, N]: input position of each lane's first time step.
    pub starts: Uint32Array,
    /// [K, N]: not 0 where the lane starts from a zero carry.
    pub resets: Uint8Array,
    /// [K, N]: time steps of each lane's sequence, 0 to T; left out: T of all.
    pub lengths: Option<Uint32Array>,
    /// Predict at every step, whatever the model's head does.
    pub every_step: bool,
}

impl NativeEvaluationRequest {
    /// As the core wants it.
    pub fn checked(&self) -> Result<EvaluationRequest> {
        Ok(EvaluationRequest {
            data: index("data", self.data)?,
            lanes: count("lanes", self.lanes)?,
            time: count("time", self.time)?,
            starts: self.starts.to_vec(),
            resets: flags(&self.resets),
            lengths: self.lengths.as_ref().map(|lengths| lengths.to_vec()),
            every_step: self.every_step,
        })
    }
}

fn flags(bytes: &[u8]) -> Vec<bool> {
    bytes.iter().map(|&byte| byte != 0).collect()
}

/// A description that TypeScript made.
pub fn parsed<T: DeserializeOwned>(field: &str, json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| {
        let opening: String = json.chars().take(40).collect();
        let dots = if opening.len() < json.len() { "…" } else { "" };
        Error::invalid(field, opening + dots, format!("a description that can be read ({error})"))
    })
}

/// A whole number of at least 0 that a JavaScript number keeps exactly, such as a seed.
pub fn whole(field: &str, value: f64) -> Result<u64> {
    if (0.0..=MAX_SAFE_INTEGER).contains(&value) && value.fract() == 0.0 {
        return Ok(value as u64);
    }
    Err(Error::invalid(field, value, "a whole number from 0 to 2^53 - 1"))
}

/// An id.
pub fn index(field: &str, value: f64) -> Result<u32> {
    whole(field, value)
        .ok()
        .and_then(|value| u32::try_from(value).ok())
        .ok_or_else(|| Error::invalid(field, value, "an id that was given out"))
}

/// How many of something there are, at least one.
pub fn count(field: &str, value: f64) -> Result<usize> {
    match whole(field, value) {
        Ok(whole @ 1..=0xffff_ffff) => Ok(whole as usize),
        _ => Err(Error::invalid(field, value, "a whole number from 1 to 2^32 - 1")),
    }
}

/// How many symbols to sample.
pub fn symbols(value: f64) -> Result<usize> {
    match whole("count", value) {
        Ok(whole @ 0..=MAX_SYMBOLS) => Ok(whole as usize),
        _ => Err(Error::invalid("count", value, format!("a whole number from 0 to {MAX_SYMBOLS}"))),
    }
}

/// Bytes; `Infinity` is no limit.
pub fn bytes(field: &str, value: f64) -> Result<u64> {
    // A cast saturates, so Infinity becomes the largest number.
    if value >= 0.0 { Ok(value as u64) } else { Err(Error::invalid(field, value, "a number of bytes")) }
}

/// NaN = leave the bias as it is.
pub fn forget_biases(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().map(|&value| (!value.is_nan()).then_some(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_an_integer_cannot_keep_are_refused_by_name() {
        for bad in [f64::NAN, f64::INFINITY, -1.0, 0.5, 9_007_199_254_740_992.0] {
            for result in [whole("seed", bad).map(|_| ()), index("seed", bad).map(|_| ()), count("seed", bad).map(|_| ())] {
                let error = result.unwrap_err();
                assert_eq!(error.code(), "ERR_INVALID_OPTION");
                assert!(error.to_string().starts_with("seed is "), "{error}");
            }
        }
        assert_eq!(whole("seed", MAX_SAFE_INTEGER), Ok((1 << 53) - 1));
        assert_eq!(index("data", 4_294_967_295.0), Ok(u32::MAX));
        assert!(index("data", 4_294_967_296.0).is_err() && count("lanes", 4_294_967_296.0).is_err() && count("lanes", 0.0).is_err());
        assert!(symbols(1e9).is_err() && symbols(0.0) == Ok(0));
        assert_eq!(bytes("memoryLimit", f64::INFINITY), Ok(u64::MAX));
        assert!(bytes("memoryLimit", f64::NAN).is_err());
    }

    #[test]
    fn a_description_that_cannot_be_read_says_where() {
        let error = parsed::<rnnkit_core::session::TrainingSetup>("setup", r#"{"optimiser":1}"#).unwrap_err();
        assert_eq!(error.code(), "ERR_INVALID_OPTION");
        assert!(error.to_string().contains("unknown field `optimiser`"), "{error}");
    }
}
