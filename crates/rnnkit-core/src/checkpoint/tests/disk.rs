//! Saving on a real disk: links, modes, and targets that cannot be written.

use super::*;
use crate::checkpoint::{code, write};

fn save(path: &Path) -> Result<()> {
    let content = Content::small();
    write(path, &content.metadata, &content.tensors())
}

#[test]
fn saving_replaces_the_old_file_and_leaves_nothing_else() {
    let folder = Folder::new();
    let path = folder.path("model.safetensors");
    std::fs::write(&path, "old").expect("it can be written");
    assert_eq!(save(&path), Ok(()));
    assert!(bytes_of(&path) == GOLDEN);
    assert_eq!(folder.names(), ["model.safetensors"]);
}

#[test]
fn targets_that_are_no_file_are_refused_and_nothing_is_left() {
    let folder = Folder::new();
    std::fs::write(folder.path("file"), "old").expect("it can be written");
    let table = [
        (PathBuf::new(), "is empty"),
        (folder.0.clone(), "it is a folder"),
        (folder.path("absent/"), "it names a folder"),
        (folder.path(".."), "folder"),
        (folder.path("a\0b"), "NUL"),
        (folder.path("absent/model"), "no file can be made in its folder"),
        (folder.path("file/model"), "cannot be written"),
        (folder.path(&"n".repeat(256)), "cannot be written"),
    ];
    for (path, part) in table {
        let (code, _, message) = parts(&save(&path).expect_err(part));
        assert_eq!(code, code::WRITE, "{message}");
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(folder.names(), ["file"]);
    assert_eq!(bytes_of(&folder.path("file")), b"old");
}

#[cfg(unix)]
mod unix {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode_of(path: &Path) -> u32 {
        std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn a_link_is_followed_and_stays_a_link() {
        let folder = Folder::new();
        std::fs::create_dir(folder.path("inner")).expect("the name is new");
        let target = folder.path("inner/model");
        symlink("inner/model", folder.path("second")).expect("the name is new");
        symlink("second", folder.path("first")).expect("the name is new");
        for round in ["the target is missing", "the target is there"] {
            assert_eq!(save(&folder.path("first")), Ok(()), "{round}");
            assert!(bytes_of(&target) == GOLDEN, "{round}");
            assert!(folder.path("first").is_symlink() && folder.path("second").is_symlink(), "{round}");
            std::fs::write(&target, "old").expect("it can be written");
        }
        assert_eq!(folder.names(), ["first", "inner", "second"]);
    }

    #[test]
    fn links_in_a_circle_are_refused() {
        let folder = Folder::new();
        symlink("b", folder.path("a")).expect("the name is new");
        symlink("a", folder.path("b")).expect("the name is new");
        let error = save(&folder.path("a")).expect_err("there is no target");
        assert_eq!((error.code(), error.to_string().contains("links")), (code::WRITE, true));
    }

    #[test]
    fn the_old_files_mode_is_kept_and_a_new_file_has_the_usual_one() {
        let folder = Folder::new();
        let (path, usual) = (folder.path("model"), folder.path("usual"));
        std::fs::write(&usual, "").expect("it can be written");
        assert_eq!(save(&path), Ok(()));
        assert_eq!(mode_of(&path), mode_of(&usual));
        for mode in [0o600, 0o666, 0o640] {
            set_permissions(&path, Permissions::from_mode(mode)).expect("it is ours");
            assert_eq!(save(&path), Ok(()));
            assert_eq!(mode_of(&path), mode);
        }
    }
}
