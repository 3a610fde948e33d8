use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Where the file is and how it is used.
#[derive(Clone, Debug)]
pub struct SqliteConfig {
    pub(crate) path: PathBuf,
    pub(crate) busy_timeout: Duration,
}

impl SqliteConfig {
    /// Names the file.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            busy_timeout: Duration::from_secs(5),
        }
    }

    /// Sets how long to wait while another process holds the lock, 5 seconds unless set.
    #[must_use]
    pub fn with_busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }
}
