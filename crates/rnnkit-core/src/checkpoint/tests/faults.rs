//! The k-th call of a save fails, for every k: the error is typed, the old file stands, nothing is left over.

use std::cell::Cell;
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::rc::Rc;

use super::*;
use crate::checkpoint::code;
use crate::checkpoint::durable::{DiskFiles, Files, Target, replace};
use crate::checkpoint::writer::Layout;

/// What happens at the k-th call, counted over every kind but the removal.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Once(ErrorKind),
    FromThenOn(ErrorKind),
    HalfWrite,
}

#[derive(Clone)]
struct FaultyFiles {
    at: usize,
    fault: Fault,
    calls: Rc<Cell<usize>>,
    syncs: Rc<Cell<usize>>,
}

impl FaultyFiles {
    fn new(at: usize, fault: Fault) -> Self {
        FaultyFiles { at, fault, calls: Rc::default(), syncs: Rc::default() }
    }

    /// Counts a call; whether it is the one at fault.
    fn call(&self) -> io::Result<bool> {
        let call = self.calls.replace(self.calls.get() + 1);
        match self.fault {
            Fault::Once(kind) if call == self.at => Err(kind.into()),
            Fault::FromThenOn(kind) if call >= self.at => Err(kind.into()),
            _ => Ok(call == self.at),
        }
    }
}

struct FaultyFile {
    file: File,
    files: FaultyFiles,
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let half = self.files.call()? && self.files.fault == Fault::HalfWrite;
        self.file.write(if half { &bytes[..bytes.len() / 2] } else { bytes })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Files for FaultyFiles {
    type Handle = FaultyFile;

    fn create(&self, path: &Path, like: Option<&Permissions>) -> io::Result<FaultyFile> {
        self.call()?;
        Ok(FaultyFile { file: DiskFiles.create(path, like)?, files: self.clone() })
    }

    fn set_mode(&self, file: &mut FaultyFile, mode: &Permissions) -> io::Result<()> {
        self.call()?;
        DiskFiles.set_mode(&mut file.file, mode)
    }

    fn sync(&self, file: &mut FaultyFile) -> io::Result<()> {
        self.syncs.set(self.syncs.get() + 1);
        self.call()?;
        DiskFiles.sync(&mut file.file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call()?;
        DiskFiles.rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.call()?;
        DiskFiles.sync_folder(folder)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        DiskFiles.remove(path)
    }
}

/// Saves the small checkpoint over a file "old" and gives the result with what then lies in the folder.
fn save_over_old(files: &FaultyFiles) -> (Result<()>, Vec<u8>, Vec<String>) {
    let folder = Folder::new();
    let path = folder.path("model");
    std::fs::write(&path, "old").expect("it can be written");
    let content = Content::small();
    let tensors = content.tensors();
    let layout = Layout::new(&content.metadata, &tensors, Mode::Checkpoint).expect("the content is valid");
    let target = Target::resolve(&path).expect("it is a file");
    let result = replace(files, &target, &|file| layout.write_to(file));
    (result, bytes_of(&path), folder.names())
}

/// The calls of a save without a fault.
fn calls_of_a_save() -> usize {
    let files = FaultyFiles::new(usize::MAX, Fault::HalfWrite);
    assert_eq!(save_over_old(&files).0, Ok(()));
    files.calls.get()
}

#[test]
fn whichever_call_fails_the_old_file_or_the_whole_new_one_stands() {
    let calls = calls_of_a_save();
    assert_eq!(calls, 5 + 1 + 7, "create, mode, sync, rename, folder; header and seven tensors");
    let kinds =
        [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem, ErrorKind::Other];
    for at in 0..calls {
        for fault in kinds.into_iter().flat_map(|kind| [Fault::Once(kind), Fault::FromThenOn(kind)]) {
            let files = FaultyFiles::new(at, fault);
            let (result, content, names) = save_over_old(&files);
            let error = result.expect_err("a call failed");
            assert_eq!(error.code(), code::WRITE, "{fault:?} at call {at}");
            let last = at == calls - 1;
            assert!(content == if last { GOLDEN } else { b"old" }, "{fault:?} at call {at}");
            assert_eq!(names, ["model"], "{fault:?} at call {at}");
            assert!(files.syncs.get() <= 1, "a sync was tried again after {fault:?} at call {at}");
        }
    }
}

#[test]
fn an_interrupted_or_short_write_goes_on_and_any_other_interrupted_call_fails() {
    let calls = calls_of_a_save();
    let is_write = |at: usize| (2..10).contains(&at);
    for at in 0..calls {
        let (interrupted, content, names) = save_over_old(&FaultyFiles::new(at, Fault::Once(ErrorKind::Interrupted)));
        assert_eq!(interrupted.is_ok(), is_write(at), "call {at}");
        let new = is_write(at) || at == calls - 1;
        assert!(content == if new { GOLDEN } else { b"old" }, "call {at}");
        assert_eq!(names, ["model"], "call {at}");
        let (short, content, _) = save_over_old(&FaultyFiles::new(at, Fault::HalfWrite));
        assert_eq!(short, Ok(()), "call {at}");
        assert!(content == GOLDEN, "call {at}");
    }
}

#[test]
fn the_error_says_what_the_system_said() {
    let (result, ..) = save_over_old(&FaultyFiles::new(3, Fault::Once(ErrorKind::StorageFull)));
    let message = result.expect_err("a write failed").to_string();
    assert!(message.contains("no storage space") && message.contains("unchanged"), "{message}");
}
