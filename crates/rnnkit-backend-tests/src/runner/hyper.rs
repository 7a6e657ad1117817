//! The options of a case, each of which must be looked at by whoever computes it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Problem;

/// The case's `hyper`.
pub struct Hyper {
    values: Map<String, Value>,
    placed: RefCell<BTreeSet<String>>,
}

impl Hyper {
    /// From the metadata's JSON.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let values = serde_json::from_str(text).map_err(|error| Problem::unfit("hyper", error.to_string()))?;
        Ok(Self { values, placed: RefCell::default() })
    }

    /// The option, if the case has it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.placed.borrow_mut().insert(name.to_owned());
        self.values.get(name)
    }

    /// The option, which the case must have.
    pub fn required(&self, name: &str) -> Result<&Value, Problem> {
        self.get(name).ok_or_else(|| Problem::missing(format!("hyper.{name}")))
    }

    /// A number that the case must have.
    pub fn number(&self, name: &str) -> Result<f64, Problem> {
        self.required(name)?.as_f64().ok_or_else(|| self.unfit(name, "a number"))
    }

    /// A non-negative integer that the case must have.
    pub fn integer(&self, name: &str) -> Result<usize, Problem> {
        self.required(name)?.as_u64().map(|value| value as usize).ok_or_else(|| self.unfit(name, "an integer"))
    }

    /// A truth value that the case must have.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        self.required(name)?.as_bool().ok_or_else(|| self.unfit(name, "true or false"))
    }

    /// A word that the case must have.
    pub fn word(&self, name: &str) -> Result<&str, Problem> {
        self.required(name)?.as_str().ok_or_else(|| self.unfit(name, "a word"))
    }

    /// Numbers that the case must have.
    pub fn numbers(&self, name: &str) -> Result<Vec<f64>, Problem> {
        let values = self.required(name)?.as_array().ok_or_else(|| self.unfit(name, "a list"))?;
        values.iter().map(|value| value.as_f64().ok_or_else(|| self.unfit(name, "a list of numbers"))).collect()
    }

    /// An error unless the option, where the case has it, is `only`: for what is understood and not supported in another form.
    pub fn only(&self, name: &str, only: impl Into<Value>) -> Result<(), Problem> {
        match self.get(name) {
            Some(value) if *value != only.into() => Err(Problem::unsupported("hyper", format!("{name} = {value}"))),
            _ => Ok(()),
        }
    }

    /// Options that nobody asked for.
    pub(super) fn unplaced(&self) -> Option<String> {
        let placed = self.placed.borrow();
        self.values.keys().find(|name| !placed.contains(*name)).map(|name| format!("hyper.{name}"))
    }

    fn unfit(&self, name: &str, expected: &str) -> Problem {
        Problem::unfit(format!("hyper.{name}"), format!("it is {}; expected {expected}", self.values[name]))
    }
}
