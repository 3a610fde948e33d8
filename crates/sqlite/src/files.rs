//! What is done to the file system around SQLite.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    path::{Path, PathBuf},
};

use wheelhouse_core::Random;
use wheelhouse_crypto::SystemRandom;
use wheelhouse_session::StoreError;

/// Tells whether the file is there, fit for use; closes it to others if it is open to them.
pub(crate) fn check(path: &Path) -> Result<bool, StoreError> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(read_failed(path, error)),
    };
    check_directory(directory_of(path))?;
    if meta.file_type().is_symlink() {
        return Err(refused(path, "it is a symbolic link; name the file itself"));
    }
    if !meta.is_file() {
        return Err(refused(path, "it is not a plain file"));
    }
    guard::close_to_others(path, &meta)?;
    check_header(path)?;
    Ok(true)
}

/// Makes the directory if it is missing, with mode 0700, and checks it.
pub(crate) fn make_directory(path: &Path) -> Result<(), StoreError> {
    let directory = directory_of(path);
    guard::make_directory(directory).map_err(|error| write_failed(directory, error))?;
    check_directory(directory)
}

/// A file beside the database in which that is made; removed when this goes.
pub(crate) struct Draft(PathBuf);

impl Draft {
    pub(crate) fn new(path: &Path) -> Result<Self, StoreError> {
        let mut tag = [0; 8];
        SystemRandom::new()
            .fill(&mut tag)
            .map_err(|error| StoreError::Write(error.into()))?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{:016x}.tmp", u64::from_be_bytes(tag)));
        let draft = directory_of(path).join(name);
        guard::create_new(&draft).map_err(|error| write_failed(&draft, error))?;
        Ok(Self(draft))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Gives the finished file its name, unless another process was first: then that one's stands.
    pub(crate) fn publish(self, path: &Path) -> Result<(), StoreError> {
        let failed = |error| write_failed(path, error);
        File::open(&self.0)
            .and_then(|file| file.sync_all())
            .map_err(failed)?;
        // Unlike rename, a link does not replace what another process has just made.
        match fs::hard_link(&self.0, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
            _ => guard::sync_directory(directory_of(path)).map_err(failed),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // A draft that stays behind is only a nuisance.
        let _ = fs::remove_file(&self.0);
    }
}

fn check_header(path: &Path) -> Result<(), StoreError> {
    let mut header = Vec::with_capacity(HEADER.len());
    File::open(path)
        .and_then(|file| file.take(HEADER.len() as u64).read_to_end(&mut header))
        .map_err(|error| read_failed(path, error))?;
    if header == HEADER {
        return Ok(());
    }
    let what = if header.is_empty() {
        "is empty"
    } else {
        "is not an SQLite database"
    };
    let message = format!("{} {what}; move it away to start anew", path.display());
    Err(StoreError::Corrupt(message))
}

fn check_directory(directory: &Path) -> Result<(), StoreError> {
    let meta = fs::metadata(directory).map_err(|error| read_failed(directory, error))?;
    if guard::anybody_may_write(&meta) {
        let problem = "anybody may write in the directory; run `chmod 700` on it";
        return Err(refused(directory, problem));
    }
    Ok(())
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn refused(path: &Path, problem: &str) -> StoreError {
    StoreError::Permission(format!("{} is refused: {problem}", path.display()))
}

fn read_failed(path: &Path, error: io::Error) -> StoreError {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return refused(path, "this user may not read it");
    }
    StoreError::Read(Box::new(error))
}

fn write_failed(path: &Path, error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            refused(path, "this user may not write there")
        }
        _ => StoreError::Write(Box::new(error)),
    }
}

const HEADER: &[u8] = b"SQLite format 3\0";

#[cfg(unix)]
mod guard {
    use std::{
        fs::{DirBuilder, Metadata, Permissions},
        os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    };

    use super::*;

    pub(super) fn close_to_others(path: &Path, meta: &Metadata) -> Result<(), StoreError> {
        // The owner of /proc/self is the user this process runs as; std has no other way to ask.
        let me = fs::metadata("/proc/self").ok().map(|me| me.uid());
        if me.is_some_and(|me| me != meta.uid()) {
            return Err(refused(path, "it belongs to another user"));
        }
        if meta.mode() & 0o022 != 0 {
            return Err(refused(
                path,
                "others may write in it; run `chmod 600` on it",
            ));
        }
        if meta.mode() & 0o077 != 0 {
            fs::set_permissions(path, Permissions::from_mode(0o600))
                .map_err(|error| write_failed(path, error))?;
        }
        Ok(())
    }

    pub(super) fn anybody_may_write(meta: &Metadata) -> bool {
        let sticky = meta.mode() & 0o1000 != 0;
        meta.mode() & 0o002 != 0 && !sticky
    }

    pub(super) fn make_directory(directory: &Path) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
    }

    pub(super) fn create_new(path: &Path) -> io::Result<File> {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
    }

    pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }
}

#[cfg(not(unix))]
mod guard {
    use std::fs::Metadata;

    use super::*;

    pub(super) fn close_to_others(_path: &Path, _meta: &Metadata) -> Result<(), StoreError> {
        Ok(())
    }

    pub(super) fn anybody_may_write(_meta: &Metadata) -> bool {
        false
    }

    pub(super) fn make_directory(directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)
    }

    pub(super) fn create_new(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(path)
    }

    pub(super) fn sync_directory(_directory: &Path) -> io::Result<()> {
        Ok(())
    }
}
