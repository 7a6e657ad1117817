//! The workspaces of a session, which make room for each other.

use super::budget::Budget;
use crate::backend::Shape;
use crate::error::{Error, Result};
use crate::spec::Predict;

/// What a workspace is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// One at a time: a training has one shape.
    Training,
    /// Two: whole windows, and the shorter one at a text's end.
    Evaluation,
    /// Four: one symbol and several, for a carry and for a window of symbols.
    Sampling,
    /// One at a time: it keeps everything.
    Inspection,
}

impl Purpose {
    fn most(self) -> usize {
        match self {
            Purpose::Training | Purpose::Inspection => 1,
            Purpose::Evaluation => 2,
            Purpose::Sampling => 4,
        }
    }
}

/// Which workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub purpose: Purpose,
    pub predict: Predict,
    pub shape: Shape,
}

/// The workspaces there are, the latest used last.
pub(super) struct Workspaces<P> {
    kept: Vec<(Key, u64, P)>,
}

impl<P> Workspaces<P> {
    pub fn new() -> Self {
        Self { kept: Vec::new() }
    }

    /// Moves the workspace of that key to the end, if there is one.
    pub fn find(&mut self, key: Key) -> bool {
        let Some(at) = self.kept.iter().position(|(other, ..)| *other == key) else { return false };
        self.kept[at..].rotate_left(1);
        true
    }

    /// Drops the workspaces of that purpose that a new one replaces, the longest unused first.
    pub fn make_room(&mut self, purpose: Purpose, budget: &mut Budget) {
        while self.kept.iter().filter(|(key, ..)| key.purpose == purpose).count() >= purpose.most() {
            let Some(at) = self.kept.iter().position(|(key, ..)| key.purpose == purpose) else { return };
            let (_, bytes, _) = self.kept.remove(at);
            budget.give_back(bytes);
        }
    }

    /// Adds a workspace that took that many bytes.
    pub fn add(&mut self, key: Key, bytes: u64, workspace: P) {
        self.kept.push((key, bytes, workspace));
    }

    /// The workspace found or added last.
    pub fn latest(&mut self) -> Result<&mut P> {
        self.kept.last_mut().map(|(.., workspace)| workspace).ok_or_else(|| Error::internal("a workspace is missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(purpose: Purpose, lanes: usize) -> Key {
        Key { purpose, predict: Predict::EveryStep, shape: Shape { lanes, time: 1, training: false, taps: false } }
    }

    #[test]
    fn many_shapes_do_not_pile_up() {
        let (mut budget, mut workspaces) = (Budget::new(1000), Workspaces::new());
        for lanes in 1..100 {
            let key = key(Purpose::Evaluation, lanes);
            assert!(!workspaces.find(key));
            workspaces.make_room(key.purpose, &mut budget);
            budget.take(10).expect("room was made");
            workspaces.add(key, 10, lanes);
        }
        budget.take(980).expect("two workspaces are left of all");
        budget.take(1).expect_err("and they are counted");
        assert!(workspaces.find(key(Purpose::Evaluation, 98)), "the last two are kept");
        assert_eq!(workspaces.latest(), Ok(&mut 98));
        assert!(!workspaces.find(key(Purpose::Training, 98)), "each purpose has its own");
    }
}
