//! Files that only their owner uses, such as a key file or a store: what makes one fit, and how it is
//! made. It says nothing of who may read a file that exists: ask its mode.

use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    path::Path,
};

/// Why a file or directory is not fit to keep secrets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// Somebody else owns it.
    #[error("it belongs to another user")]
    AnotherUsers,
    /// It is a directory, a socket or the like.
    #[error("it is not a plain file")]
    NotPlain,
    /// Anybody may put files into the directory, and take them away.
    #[error("anybody may write in the directory; run `chmod 700` on it")]
    OpenDirectory,
    /// It stands for another file.
    #[error("it is a symbolic link; name the file itself")]
    SymbolicLink,
}

/// Checks that it is a plain file of this user; the metadata are those of the name itself.
///
/// # Errors
///
/// [`Unfit::SymbolicLink`], [`Unfit::NotPlain`] and, on Linux, [`Unfit::AnotherUsers`].
pub fn check_file(meta: &Metadata) -> Result<(), Unfit> {
    if meta.file_type().is_symlink() {
        return Err(Unfit::SymbolicLink);
    }
    if !meta.is_file() {
        return Err(Unfit::NotPlain);
    }
    if !guard::is_mine(meta) {
        return Err(Unfit::AnotherUsers);
    }
    Ok(())
}

/// Checks that not everybody can write in a directory, unless its sticky bit keeps them from each
/// other's files.
///
/// # Errors
///
/// [`Unfit::OpenDirectory`].
pub fn check_directory(meta: &Metadata) -> Result<(), Unfit> {
    if guard::anybody_writes(meta) {
        return Err(Unfit::OpenDirectory);
    }
    Ok(())
}

/// Returns the directory that a file is in.
pub fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes a directory, and those above it that are missing, with mode 0700.
///
/// # Errors
///
/// Those of the system.
pub fn make_directory(directory: &Path) -> io::Result<()> {
    guard::make_directory(directory)
}

/// Makes a file with mode 0600 to write in.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`] if there is one of that name, and those of the system.
pub fn create_new(path: &Path) -> io::Result<File> {
    guard::private(OpenOptions::new().write(true).create_new(true)).open(path)
}

/// Makes the names in a directory durable.
///
/// # Errors
///
/// Those of the system.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    guard::sync_directory(directory)
}

#[cfg(unix)]
mod guard {
    use std::{
        fs::{self, DirBuilder, File, Metadata, OpenOptions},
        io,
        os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
        path::Path,
    };

    pub(super) fn is_mine(meta: &Metadata) -> bool {
        // The owner of /proc/self is the user this process runs as; std has no other way to ask.
        let me = fs::metadata("/proc/self").ok().map(|me| me.uid());
        me.is_none_or(|me| me == meta.uid())
    }

    pub(super) fn anybody_writes(meta: &Metadata) -> bool {
        let sticky = meta.mode() & 0o1000 != 0;
        meta.mode() & 0o002 != 0 && !sticky
    }

    pub(super) fn make_directory(directory: &Path) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
    }

    pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options.mode(0o600)
    }

    pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }
}

#[cfg(not(unix))]
mod guard {
    use std::{
        fs::{self, Metadata, OpenOptions},
        io,
        path::Path,
    };

    pub(super) fn is_mine(_meta: &Metadata) -> bool {
        true
    }

    pub(super) fn anybody_writes(_meta: &Metadata) -> bool {
        false
    }

    pub(super) fn make_directory(directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)
    }

    pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(super) fn sync_directory(_directory: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt, symlink},
    };

    use super::*;

    #[test]
    fn links_and_directories_are_no_private_files() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        create_new(&file).unwrap();
        symlink(&file, &link).unwrap();
        let of = |path: &Path| check_file(&fs::symlink_metadata(path).unwrap());
        assert_eq!(of(&file), Ok(()));
        assert_eq!(of(&link), Err(Unfit::SymbolicLink));
        assert_eq!(of(directory.path()), Err(Unfit::NotPlain));
        let error = create_new(&file).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn what_is_made_is_closed_to_others() {
        let above = tempfile::tempdir().unwrap();
        let directory = above.path().join("a/b");
        make_directory(&directory).unwrap();
        let file = directory.join("file");
        create_new(&file).unwrap();
        sync_directory(&directory).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&directory), mode(&file)), (0o700, 0o600));
        assert_eq!(mode(directory_of(&directory)), 0o700);
    }

    #[test]
    fn a_directory_that_anybody_writes_in_needs_its_sticky_bit() {
        let directory = tempfile::tempdir().unwrap();
        for (mode, fit) in [(0o700, true), (0o777, false), (0o1777, true)] {
            fs::set_permissions(directory.path(), Permissions::from_mode(mode)).unwrap();
            let found = check_directory(&fs::metadata(directory.path()).unwrap());
            assert_eq!(found.is_ok(), fit, "{mode:o}");
        }
    }
}
