use wheelhouse_core::{Error, ErrorKind, Result};

/// The longest value of a path part, in bytes.
pub(crate) const MAX_PATH_PART: usize = 256;
/// The longest name or value in a query, in bytes.
pub(crate) const MAX_QUERY: usize = 2 * 1024;
/// The longest value of a header, in bytes; a token of a broker with many claims is about 4 KiB.
pub(crate) const MAX_HEADER: usize = 16 * 1024;
/// The longest link, in bytes.
pub(crate) const MAX_LINK: usize = 8 * 1024;

/// Checks text that becomes a part of a path.
pub(crate) fn path_part(name: &str, value: &str) -> Result<()> {
    plain(name, value, MAX_PATH_PART)?;
    if value.is_empty() {
        return Err(invalid(name, "is empty"));
    }
    // Servers and proxies disagree about encoded slashes and dots, so they are not sent at all.
    if value == "." || value == ".." || value.contains(['/', '\\', '%']) {
        return Err(invalid(
            name,
            "would change the path; `/`, `\\`, `%`, `.` and `..` are not allowed",
        ));
    }
    if value.contains(' ') {
        return Err(invalid(name, "contains a space"));
    }
    Ok(())
}

pub(crate) fn query(name: &str, value: &str) -> Result<()> {
    plain(name, value, MAX_QUERY)
}

pub(crate) fn header(name: &str, value: &str) -> Result<()> {
    plain(name, value, MAX_HEADER)
}

pub(crate) fn link(value: &str) -> Result<()> {
    plain("the link", value, MAX_LINK)?;
    if value.contains(['\\', ' ']) {
        return Err(Error::new(
            ErrorKind::OriginRefused,
            "the link contains a backslash or a space, which servers read in different ways",
        ));
    }
    Ok(())
}

/// Allows printable ASCII up to a length. The error shows code points, never the text.
fn plain(name: &str, value: &str, max: usize) -> Result<()> {
    if value.len() > max {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "{name} has {} bytes; at most {max} are allowed",
                value.len()
            ),
        ));
    }
    match value.char_indices().find(|(_, c)| !matches!(c, ' '..='~')) {
        None => Ok(()),
        Some((at, c)) => Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "{name} contains U+{:04X} at byte {at}; only printable ASCII is allowed",
                u32::from(c)
            ),
        )),
    }
}

fn invalid(name: &str, why: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("{name} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_change_a_request_is_refused() {
        for bad in [
            "a\rb",
            "a\nb",
            "a\0b",
            "é",
            "a\u{200b}",
            "a/../b",
            "%2e",
            "..",
            ".",
            "",
            "a b",
            "a\\b",
        ] {
            assert_eq!(
                path_part("symbol", bad).unwrap_err().code(),
                5001,
                "{bad:?}"
            );
        }
        assert!(path_part("symbol", &"a".repeat(65_536)).is_err());
        path_part("symbol", "EURUSD.x+#?").unwrap();
    }

    #[test]
    fn the_text_itself_is_not_in_the_error() {
        let error = header("x-key", "canary\n").unwrap_err();
        assert_eq!(
            error.message(),
            "x-key contains U+000A at byte 6; only printable ASCII is allowed"
        );
    }
}
