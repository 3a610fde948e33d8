use std::path::PathBuf;

/// Where the key comes from that seals stored sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// From a file that belongs to the user alone.
    File {
        /// Which file.
        path: PathBuf,
        /// Whether it was made just now.
        created: bool,
    },
    /// It was given by setting or code.
    Given,
    /// There is none: sessions are kept in memory.
    None,
}
