use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use secrecy::SecretString;
use wheelhouse_core::Random;
use zeroize::Zeroizing;

use crate::{Error, Key, Result, format, key};

/// A key in a file of its own: one line of 64 hexadecimal digits, readable by its owner only.
#[derive(Debug)]
pub struct KeyFile {
    path: PathBuf,
    key: Key,
    created: bool,
}

impl KeyFile {
    /// Reads the key, or makes a new one if there is no such file.
    ///
    /// A missing directory is made with mode 0700. The file is made with mode 0600, written and
    /// synced before it appears under its name; of two processes that do this at once, both
    /// end with the same key.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`Error::KeyFile`] if it cannot be made.
    pub fn open_or_create(path: impl AsRef<Path>, random: &dyn Random) -> Result<Self> {
        let path = path.as_ref();
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let created = create(path, random)?;
                Ok(Self {
                    created,
                    ..Self::open(path)?
                })
            }
            _ => Self::open(path),
        }
    }

    /// Reads the key.
    ///
    /// # Errors
    ///
    /// [`Error::KeyFileRefused`] if the file is a symbolic link, not a plain file, belongs to
    /// somebody else, or can be read or written by others; if anybody can write in its directory; or
    /// if it does not hold a key. [`Error::KeyFile`] if it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let failed = |source| Error::KeyFile {
            path: path.to_owned(),
            source,
        };
        let seen = fs::symlink_metadata(path).map_err(failed)?;
        guard::check_file(path, &seen)?;
        guard::check_directory(directory_of(path))?;
        let file = File::open(path).map_err(failed)?;
        // The file that was opened is the one that was looked at.
        guard::check_same(path, &seen, &file.metadata().map_err(failed)?)?;

        let mut text = Zeroizing::new(String::with_capacity(MAX_LEN as usize));
        file.take(MAX_LEN)
            .read_to_string(&mut text)
            .map_err(failed)?;
        let secret = SecretString::from(text.trim());
        let key = Key::from_text(&secret).map_err(|error| refused(path, error.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            key,
            created: false,
        })
    }

    /// Returns where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether this call has made the file.
    pub fn was_created(&self) -> bool {
        self.created
    }

    /// Returns the key.
    pub fn into_key(self) -> Key {
        self.key
    }
}

/// Makes the file unless somebody else does first; tells whether it was us.
fn create(path: &Path, random: &dyn Random) -> Result<bool> {
    let failed = |source| Error::KeyFile {
        path: path.to_owned(),
        source,
    };
    let directory = directory_of(path);
    guard::make_directory(directory).map_err(failed)?;
    guard::check_directory(directory)?;

    let bytes = key::generate_bytes(random)?;
    let mut line = Zeroizing::new(format::hex(&bytes[..]));
    line.push('\n');

    let mut tag = [0; 8];
    random.fill(&mut tag).map_err(Error::Random)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", format::hex(&tag)));
    let draft = directory.join(name);

    let written = guard::create_new(&draft).and_then(|mut file| {
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        // Unlike rename, a link does not replace the key that another process has just made.
        fs::hard_link(&draft, path)
    });
    let removed = fs::remove_file(&draft);
    let created = match written {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(failed(error)),
    };
    removed.map_err(failed)?;
    guard::sync_directory(directory).map_err(failed)?;
    Ok(created)
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn refused(path: &Path, problem: impl Into<String>) -> Error {
    Error::KeyFileRefused {
        path: path.to_owned(),
        problem: problem.into(),
    }
}

const MAX_LEN: u64 = 256;

#[cfg(unix)]
mod guard {
    use std::{
        fs::{DirBuilder, Metadata},
        os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    };

    use super::*;

    pub(super) fn check_file(path: &Path, meta: &Metadata) -> Result<()> {
        if meta.file_type().is_symlink() {
            return Err(refused(path, "it is a symbolic link; name the file itself"));
        }
        if !meta.is_file() {
            return Err(refused(path, "it is not a plain file"));
        }
        if let Some(me) = current_user()
            && me != meta.uid()
        {
            return Err(refused(path, "it belongs to another user"));
        }
        if meta.mode() & 0o077 != 0 {
            let mode = meta.mode() & 0o777;
            let problem = format!(
                "others may use it (mode {mode:04o}); run `chmod 600` on it, or replace it if others have read it"
            );
            return Err(refused(path, problem));
        }
        Ok(())
    }

    pub(super) fn check_same(path: &Path, seen: &Metadata, opened: &Metadata) -> Result<()> {
        if (seen.dev(), seen.ino()) != (opened.dev(), opened.ino()) {
            return Err(refused(path, "it was exchanged while it was being opened"));
        }
        check_file(path, opened)
    }

    pub(super) fn check_directory(directory: &Path) -> Result<()> {
        let meta = fs::metadata(directory).map_err(|source| Error::KeyFile {
            path: directory.to_owned(),
            source,
        })?;
        let (anybody_writes, sticky) = (meta.mode() & 0o002 != 0, meta.mode() & 0o1000 != 0);
        if anybody_writes && !sticky {
            let problem = "anybody may write in the directory; run `chmod 700` on it";
            return Err(refused(directory, problem));
        }
        Ok(())
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

    // The owner of /proc/self is the user this process runs as; std has no other way to ask.
    fn current_user() -> Option<u32> {
        fs::metadata("/proc/self").ok().map(|meta| meta.uid())
    }
}

#[cfg(not(unix))]
mod guard {
    use std::fs::Metadata;

    use super::*;

    pub(super) fn check_file(path: &Path, meta: &Metadata) -> Result<()> {
        if meta.is_file() && !meta.file_type().is_symlink() {
            return Ok(());
        }
        Err(refused(path, "it is not a plain file"))
    }

    pub(super) fn check_same(path: &Path, _seen: &Metadata, opened: &Metadata) -> Result<()> {
        check_file(path, opened)
    }

    pub(super) fn check_directory(_directory: &Path) -> Result<()> {
        Ok(())
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
