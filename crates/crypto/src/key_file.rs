use std::{
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use secrecy::SecretString;
use wheelhouse_core::Random;
use zeroize::Zeroizing;

use crate::{
    Error, Key, Result, format, key,
    private_file::{self, directory_of},
};

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
        check_file(path, &seen)?;
        check_directory(directory_of(path))?;
        let file = File::open(path).map_err(failed)?;
        // The file that was opened is the one that was looked at.
        let opened = file.metadata().map_err(failed)?;
        if !guard::is_same(&seen, &opened) {
            let problem = "it was exchanged while it was being opened";
            return Err(refused(path, problem));
        }
        check_file(path, &opened)?;

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
    private_file::make_directory(directory).map_err(failed)?;
    check_directory(directory)?;

    let bytes = key::generate_bytes(random)?;
    let mut line = Zeroizing::new(format::hex(&bytes[..]));
    line.push('\n');

    let mut tag = [0; 8];
    random.fill(&mut tag).map_err(Error::Random)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", format::hex(&tag)));
    let draft = directory.join(name);

    let written = private_file::create_new(&draft).and_then(|mut file| {
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
    private_file::sync_directory(directory).map_err(failed)?;
    Ok(created)
}

fn check_file(path: &Path, meta: &Metadata) -> Result<()> {
    private_file::check_file(meta).map_err(|unfit| refused(path, unfit.to_string()))?;
    match guard::open_to_others(meta) {
        None => Ok(()),
        Some(mode) => {
            let problem = format!(
                "others may use it (mode {mode:04o}); run `chmod 600` on it, or replace it if others have read it"
            );
            Err(refused(path, problem))
        }
    }
}

fn check_directory(directory: &Path) -> Result<()> {
    let meta = fs::metadata(directory).map_err(|source| Error::KeyFile {
        path: directory.to_owned(),
        source,
    })?;
    private_file::check_directory(&meta).map_err(|unfit| refused(directory, unfit.to_string()))
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
    use std::{fs::Metadata, os::unix::fs::MetadataExt};

    pub(super) fn is_same(seen: &Metadata, opened: &Metadata) -> bool {
        (seen.dev(), seen.ino()) == (opened.dev(), opened.ino())
    }

    /// The mode, if it lets others in.
    pub(super) fn open_to_others(meta: &Metadata) -> Option<u32> {
        (meta.mode() & 0o077 != 0).then_some(meta.mode() & 0o777)
    }
}

#[cfg(not(unix))]
mod guard {
    use std::fs::Metadata;

    pub(super) fn is_same(_seen: &Metadata, _opened: &Metadata) -> bool {
        true
    }

    pub(super) fn open_to_others(_meta: &Metadata) -> Option<u32> {
        None
    }
}
