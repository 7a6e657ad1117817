//! The power fails at every point of a save: the old or the new file is there, whatever the disk made of what was not synced.
//!
//! A save runs on a disk that only keeps a record of the calls. Each beginning of the record is then played against every
//! outcome that an ordinary file system may leave: of a file's writes since its last sync everything, nothing, a part, or
//! rubbish of the right length; of the folder's changes since its last sync any single one.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::Permissions;
use std::io::{self, Write};
use std::rc::Rc;

use super::*;
use crate::checkpoint::durable::{Files, Target, replace};
use crate::checkpoint::writer::Layout;

#[derive(Debug, Clone, PartialEq)]
enum Call {
    Create,
    Write(Vec<u8>),
    Sync,
    Rename,
    SyncFolder,
}

#[derive(Clone, Default)]
struct Recorder(Rc<RefCell<Vec<Call>>>);

impl Recorder {
    fn record(&self, call: Call) -> io::Result<()> {
        self.0.borrow_mut().push(call);
        Ok(())
    }
}

impl Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.record(Call::Write(bytes.to_vec()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Files for Recorder {
    type Handle = Recorder;

    fn create(&self, _: &Path, _: Option<&Permissions>) -> io::Result<Recorder> {
        self.record(Call::Create)?;
        Ok(self.clone())
    }

    fn set_mode(&self, _: &mut Recorder, _: &Permissions) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self, _: &mut Recorder) -> io::Result<()> {
        self.record(Call::Sync)
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        self.record(Call::Rename)
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.record(Call::SyncFolder)
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        panic!("nothing fails on this disk")
    }
}

const OLD: &[u8] = b"old";

/// Everything that may lie under the target's name when the power fails after `calls`.
fn states(calls: &[Call]) -> BTreeSet<Vec<u8>> {
    let (mut synced, mut written) = (0, Vec::new());
    let (mut renamed, mut rename_synced) = (false, false);
    for call in calls {
        match call {
            Call::Create => {}
            Call::Write(bytes) => written.extend_from_slice(bytes),
            Call::Sync => synced = written.len(),
            Call::Rename => renamed = true,
            Call::SyncFolder => rename_synced = renamed,
        }
    }
    let mut states = BTreeSet::new();
    if !rename_synced {
        states.insert(OLD.to_vec());
    }
    if renamed {
        states.extend(after_loss(&written, synced));
    }
    states
}

/// What may be left of a file of which the first `synced` bytes are safe.
fn after_loss(written: &[u8], synced: usize) -> Vec<Vec<u8>> {
    let unsynced = written.len() - synced;
    let torn = [0, 1, unsynced / 2, unsynced.saturating_sub(1), unsynced].into_iter();
    let sectors = (synced..written.len()).filter(|at| at % 512 == 0 || at % 4096 == 0).map(|at| at - synced);
    let mut left: Vec<Vec<u8>> = torn.chain(sectors).map(|kept| written[..synced + kept.min(unsynced)].to_vec()).collect();
    for kept in [0, unsynced / 2] {
        for rubbish in [0x00, 0xff] {
            let mut content = written.to_vec();
            content[synced + kept..].fill(rubbish);
            left.push(content);
        }
    }
    left
}

/// The calls of a save of several pieces of data, and what it writes.
fn recorded_save() -> (Vec<Call>, Vec<u8>) {
    let weights: Vec<f32> = (0..50_000).map(|i| i as f32).collect();
    let tensors = [NewTensor::new("weights", &[50_000], weights.as_slice())];
    let layout = Layout::new(&BTreeMap::new(), &tensors, Mode::Checkpoint).expect("the content is valid");
    let mut new = Vec::new();
    layout.write_to(&mut new).expect("memory takes it");
    let recorder = Recorder::default();
    let folder = Folder::new();
    let target = Target::resolve(&folder.path("model")).expect("the folder is there");
    assert_eq!(replace(&recorder, &target, &|file| layout.write_to(file)), Ok(()));
    let calls = recorder.0.take();
    (calls, new)
}

#[test]
fn a_power_loss_at_any_point_leaves_the_old_file_or_the_whole_new_one() {
    let (calls, new) = recorded_save();
    assert_eq!(calls.len(), 1 + 1 + 4 + 1 + 1 + 1, "create, header, four pieces, sync, rename, folder");
    for end in 0..=calls.len() {
        for state in states(&calls[..end]) {
            assert!(state == OLD || state == new, "{} bytes after call {end}", state.len());
        }
    }
}

#[test]
fn a_save_that_returned_outlives_a_power_loss() {
    let (calls, new) = recorded_save();
    assert!(states(&calls) == BTreeSet::from([new]));
}

#[test]
fn this_simulation_notices_a_sync_left_out() {
    let (calls, new) = recorded_save();
    let without = |left_out: Call| calls.iter().filter(|call| **call != left_out).cloned().collect::<Vec<_>>();
    let unsynced = states(&without(Call::Sync));
    assert!(unsynced.iter().any(|state| state != OLD && *state != new), "a missing sync of the file");
    assert!(states(&without(Call::SyncFolder)).contains(OLD), "a missing sync of the folder");
}
