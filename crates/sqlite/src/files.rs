//! What is done to the file system around SQLite.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use wheelhouse_core::Random;
use wheelhouse_crypto::{
    SystemRandom,
    private_file::{self, directory_of},
};
use wheelhouse_session::StoreError;

/// Tells whether the file is there, fit for use; closes it to others if it is open to them.
pub(crate) fn check(path: &Path) -> Result<bool, StoreError> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(read_failed(path, error)),
    };
    check_directory(directory_of(path))?;
    private_file::check_file(&meta).map_err(|unfit| refused(path, &unfit.to_string()))?;
    guard::close_to_others(path, &meta)?;
    // What is in it SQLite has to say: a file that is opened and closed here would take away the
    // locks that other stores of this process have on it.
    if meta.len() == 0 {
        let message = format!("{} is empty; move it away to start anew", path.display());
        return Err(StoreError::Corrupt(message));
    }
    Ok(true)
}

/// Makes the directory if it is missing, with mode 0700, and checks it.
pub(crate) fn make_directory(path: &Path) -> Result<(), StoreError> {
    let directory = directory_of(path);
    private_file::make_directory(directory).map_err(|error| write_failed(directory, error))?;
    check_directory(directory)
}

/// A file beside the database in which that is made; removed when this goes.
pub(crate) struct Draft {
    path: PathBuf,
    /// Locked, so that nobody takes it for one that was left behind.
    lock: Option<File>,
}

impl Draft {
    pub(crate) fn new(path: &Path) -> Result<Self, StoreError> {
        for _ in 0..TRIES {
            let mut tag = [0; 8];
            SystemRandom::new()
                .fill(&mut tag)
                .map_err(|error| StoreError::Write(error.into()))?;
            let draft = draft_of(path, u64::from_be_bytes(tag));
            let lock =
                private_file::create_new(&draft).map_err(|error| write_failed(&draft, error))?;
            // Between the two calls it may have been swept away.
            if lock.try_lock().is_ok() && draft.exists() {
                let lock = Some(lock);
                return Ok(Self { path: draft, lock });
            }
        }
        Err(StoreError::Locked)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the finished file its name, unless another process was first: then that one's stands.
    pub(crate) fn publish(mut self, path: &Path) -> Result<(), StoreError> {
        let failed = |error| write_failed(path, error);
        File::open(&self.path)
            .and_then(|file| file.sync_all())
            .map_err(failed)?;
        // Closed before others can open the file: with it would go the locks on that.
        self.lock = None;
        // Unlike rename, a link does not replace what another process has just made.
        match fs::hard_link(&self.path, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
            _ => private_file::sync_directory(directory_of(path)).map_err(failed),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // A draft that stays behind is swept when the store is opened again.
        remove(&self.path);
    }
}

/// Removes a draft with what SQLite has put beside it.
fn remove(draft: &Path) {
    for end in ["-journal", "-shm", "-wal", ""] {
        let mut name = draft.as_os_str().to_owned();
        name.push(end);
        let _ = fs::remove_file(name);
    }
}

/// Removes drafts of this database that killed processes have left. What cannot be looked at or
/// removed stays: it is only a nuisance.
pub(crate) fn sweep(path: &Path) {
    let Ok(entries) = fs::read_dir(directory_of(path)) else {
        return;
    };
    for entry in entries.flatten() {
        let draft = entry.path();
        if !is_draft_of(path, &draft) {
            continue;
        }
        let Ok(meta) = entry.metadata() else {
            continue;
        };
        // A draft that has its name already is the database itself, and is not to be opened here.
        let left = meta.is_file()
            && (guard::has_other_names(&meta)
                || File::open(&draft).is_ok_and(|file| file.try_lock().is_ok()));
        if left {
            remove(&draft);
        }
    }
}

fn draft_of(path: &Path, tag: u64) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{tag:016x}.tmp"));
    directory_of(path).join(name)
}

fn is_draft_of(path: &Path, draft: &Path) -> bool {
    let tag = draft.to_str().and_then(|draft| {
        let tag = draft.strip_suffix(".tmp")?.rsplit_once('.')?.1;
        u64::from_str_radix(tag, 16).ok()
    });
    tag.is_some_and(|tag| draft_of(path, tag).file_name() == draft.file_name())
}

fn check_directory(directory: &Path) -> Result<(), StoreError> {
    let meta = fs::metadata(directory).map_err(|error| read_failed(directory, error))?;
    private_file::check_directory(&meta).map_err(|unfit| refused(directory, &unfit.to_string()))
}

fn refused(path: &Path, problem: &str) -> StoreError {
    StoreError::Permission(format!("{} is refused: {problem}", path.display()))
}

fn read_failed(path: &Path, error: io::Error) -> StoreError {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return refused(path, "this user may not read it");
    }
    StoreError::File {
        path: path.to_owned(),
        writing: false,
        source: error,
    }
}

fn write_failed(path: &Path, error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            refused(path, "this user may not write there")
        }
        _ => StoreError::File {
            path: path.to_owned(),
            writing: true,
            source: error,
        },
    }
}

const TRIES: u32 = 5;

#[cfg(unix)]
mod guard {
    use std::{
        fs::{Metadata, Permissions},
        os::unix::fs::{MetadataExt, PermissionsExt},
    };

    use super::*;

    pub(super) fn close_to_others(path: &Path, meta: &Metadata) -> Result<(), StoreError> {
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

    pub(super) fn has_other_names(meta: &Metadata) -> bool {
        meta.nlink() > 1
    }
}

#[cfg(not(unix))]
mod guard {
    use std::fs::Metadata;

    use super::*;

    pub(super) fn close_to_others(_path: &Path, _meta: &Metadata) -> Result<(), StoreError> {
        Ok(())
    }

    pub(super) fn has_other_names(_meta: &Metadata) -> bool {
        false
    }
}
