//! Replaces a file so that a failure or a power loss leaves the old one or the whole new one, never a mixture.
//!
//! The new content goes into a file of its own beside the old one; it is synced, then renamed over the old one, then the
//! folder is synced, for a rename may reach the disk before the data and the folder's entry after everything else. A failed
//! sync is final: the kernel may already have dropped the pages, and a second try would report success over a hole
//! (PostgreSQL learnt this in 2018).

use std::fs::{File, OpenOptions, Permissions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{code, problem};
use crate::error::{Error, Result};

/// The calls of the operating system that a save makes; tests put a failing or forgetful disk in their place.
pub(super) trait Files {
    /// An open file.
    type Handle: Write;
    /// Makes a new file; one that exists is an error. `like`: the mode it begins with.
    fn create(&self, path: &Path, like: Option<&Permissions>) -> io::Result<Self::Handle>;
    /// Gives the file exactly this mode.
    fn set_mode(&self, file: &mut Self::Handle, mode: &Permissions) -> io::Result<()>;
    /// Returns when the file's content would outlive a power loss.
    fn sync(&self, file: &mut Self::Handle) -> io::Result<()>;
    /// Renames a file, over another if need be.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Returns when the folder's entries would outlive a power loss.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Deletes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The real disk.
pub(super) struct DiskFiles;

impl Files for DiskFiles {
    type Handle = File;

    fn create(&self, path: &Path, like: Option<&Permissions>) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if let Some(mode) = like {
            // From the first moment: a private file's successor must not be readable for an instant.
            use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
            options.mode(mode.mode() & 0o777);
        }
        #[cfg(not(unix))]
        let _ = like;
        options.open(path)
    }

    fn set_mode(&self, file: &mut File, mode: &Permissions) -> io::Result<()> {
        file.set_permissions(mode.clone())
    }

    fn sync(&self, file: &mut File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if cfg!(not(unix)) {
            return Ok(());
        }
        match File::open(folder)?.sync_all() {
            // Some network file systems have no such call; there the rename is all that can be had.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
            result => result,
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }
}

/// The file that a save replaces, links followed.
#[derive(Debug)]
pub(super) struct Target {
    path: PathBuf,
    folder: PathBuf,
    /// Of the file that is there now.
    mode: Option<Permissions>,
}

/// Links that lead to links, at most.
const MAX_LINKS: usize = 40;

impl Target {
    /// Finds out what `path` names: a regular file, or nothing yet.
    pub fn resolve(path: &Path) -> Result<Self> {
        let refuse = |text: &str| Err(problem(code::WRITE, path.display().to_string(), text));
        if path.as_os_str().is_empty() {
            return Err(problem(code::WRITE, "path", "it is empty; expected the name of a file"));
        }
        if path.as_os_str().as_encoded_bytes().contains(&0) {
            return Err(problem(code::WRITE, "path", "it holds a NUL character; expected the name of a file"));
        }
        let mut place = path.to_owned();
        for _ in 0..MAX_LINKS {
            let metadata = match std::fs::symlink_metadata(&place) {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == ErrorKind::NotFound => return Self::at(path, place, None),
                Err(error) => return refuse(&format!("it cannot be written: {error}")),
            };
            if metadata.is_dir() {
                return refuse("it is a folder; expected the name of a file");
            }
            if metadata.is_file() {
                return Self::at(path, place, Some(metadata.permissions()));
            }
            if !metadata.is_symlink() {
                return refuse("it is not a regular file (a pipe, socket or device)");
            }
            let Ok(link) = std::fs::read_link(&place) else { return refuse("the link cannot be read") };
            place.pop();
            place.push(link);
        }
        refuse("too many links lead to one another")
    }

    fn at(named: &Path, path: PathBuf, mode: Option<Permissions>) -> Result<Self> {
        // `file_name` overlooks a separator at the end, which names a folder.
        let ends_in_name = path.as_os_str().as_encoded_bytes().last().is_some_and(|&byte| !std::path::is_separator(byte.into()));
        let (Some(_), true, Some(folder)) = (path.file_name(), ends_in_name, path.parent()) else {
            return Err(problem(code::WRITE, named.display().to_string(), "it names a folder; expected the name of a file"));
        };
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() };
        Ok(Target { path, folder, mode })
    }

    fn problem(&self, text: String) -> Error {
        problem(code::WRITE, self.path.display().to_string(), text)
    }
}

/// Replaces `target` by what `content` writes, as the module says. On an error the old file stands, but for one case: when
/// only the folder's sync failed, the new one does.
pub(super) fn replace<F: Files>(files: &F, target: &Target, content: &dyn Fn(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let unfinished = target.folder.join(unfinished_name());
    let mut file = match files.create(&unfinished, target.mode.as_ref()) {
        Ok(file) => file,
        Err(error) => return Err(target.problem(format!("no file can be made in its folder: {error}"))),
    };
    let written = fill(files, &mut file, target, content);
    drop(file);
    if let Err(error) = written.and_then(|()| files.rename(&unfinished, &target.path)) {
        let left = match files.remove(&unfinished) {
            Ok(()) => String::new(),
            Err(error) => format!("; the unfinished {} could not be removed: {error}", unfinished.display()),
        };
        return Err(target.problem(format!("it could not be written: {error}; what was there before is unchanged{left}")));
    }
    files.sync_folder(&target.folder).map_err(|error| {
        target.problem(format!("the new file is there, but its folder could not be synced, and a power loss may undo it: {error}"))
    })
}

fn fill<F: Files>(files: &F, file: &mut F::Handle, target: &Target, content: &dyn Fn(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if let Some(mode) = &target.mode {
        files.set_mode(file, mode)?;
    }
    content(file)?;
    files.sync(file)
}

/// A name that nobody else has and nobody can guess: the standard library's hash keys come from the system's randomness.
fn unfinished_name() -> String {
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    format!(".rnnkit-{:016x}.unfinished", hasher.finish())
}
