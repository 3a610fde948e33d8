//! Reading the token cache of robin_stocks.

use std::fmt;

use wheelhouse_core::{Error, ErrorKind, Result, SecretString};
use wheelhouse_session::Grant;
use zeroize::Zeroizing;

use crate::{
    api::digest_of,
    auth::{DEVICE_TOKEN, USER_DIGEST},
};

/// The longest cache that is read, in bytes; real ones have about two thousand.
const LONGEST: usize = 64 * 1024;
/// The most entries that are kept while reading.
const MOST: usize = 256;

/// The tokens in a cache of robin_stocks (`~/.tokens/robinhood.pickle`), read as data.
///
/// A pickle is a program; loading one runs it. Here only the instructions are known that put texts
/// and numbers into a dictionary. Any other, above all those that name or call something, is
/// refused.
///
/// ```
/// use wheelhouse_robinhood::TokenCache;
///
/// // cos\nsystem\n(S'id'\ntR. would run a command.
/// let hostile = b"cos\nsystem\n(S'id'\ntR.";
/// assert_eq!(TokenCache::read(hostile).unwrap_err().code(), 4004);
/// ```
pub struct TokenCache {
    access_token: SecretString,
    refresh_token: Option<SecretString>,
    device_token: Option<SecretString>,
}

impl TokenCache {
    /// Reads a cache.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CorruptRecord`] if it is no such cache, or holds anything but a dictionary of
    /// texts and numbers; [`ErrorKind::MissingField`] if it has no access token.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > LONGEST {
            return Err(refused(format!("it has more than {LONGEST} bytes")));
        }
        let entries = Machine::new(bytes).run()?;
        let take = |name: &str| {
            // Of two entries with one name the later counts, as it does for Python.
            let (_, value) = entries.iter().rfind(|(key, _)| **key == *name)?;
            Some(SecretString::from(value.as_str())).filter(|_| !value.is_empty())
        };
        Ok(Self {
            access_token: take("access_token").ok_or_else(|| {
                Error::new(
                    ErrorKind::MissingField,
                    "the token cache has no access token",
                )
            })?,
            refresh_token: take("refresh_token"),
            device_token: take("device_token"),
        })
    }

    /// Returns the token that names the device, to be kept in
    /// [`DeviceTokens`](crate::DeviceTokens): with it, no new approval is needed.
    pub fn device_token(&self) -> Option<&SecretString> {
        self.device_token.as_ref()
    }

    /// Makes a grant of it for `user`, to be handed to a session manager. The cache does not say
    /// when the token ends; the broker does, with a 401.
    #[must_use]
    pub fn into_grant(self, user: &str) -> Grant {
        let mut grant =
            Grant::new(self.access_token).with_extra(USER_DIGEST, digest_of(user).into());
        if let Some(token) = self.refresh_token {
            grant = grant.with_refresh_token(token);
        }
        if let Some(token) = self.device_token {
            grant = grant.with_extra(DEVICE_TOKEN, token);
        }
        grant
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").finish_non_exhaustive()
    }
}

type Text = Zeroizing<String>;

enum Item {
    Dict,
    Mark,
    /// A text; a number stands as its digits, nothing as an empty text.
    Text(Text),
}

/// Follows the few harmless instructions of a pickle. It makes texts and one dictionary, nothing
/// else.
struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Item>,
    memo: Vec<(u32, Text)>,
    memoized: u32,
    entries: Vec<(Text, Text)>,
}

impl<'a> Machine<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            stack: Vec::new(),
            memo: Vec::new(),
            memoized: 0,
            entries: Vec::new(),
        }
    }

    fn run(mut self) -> Result<Vec<(Text, Text)>> {
        loop {
            let at = self
                .stack
                .len()
                .max(self.memo.len())
                .max(self.entries.len());
            if at > MOST {
                return Err(refused(format!("it has more than {MOST} entries")));
            }
            match self.byte()? {
                // PROTO, FRAME
                0x80 => match self.byte()? {
                    2..=5 => {}
                    version => return Err(refused(format!("its version {version} is not known"))),
                },
                0x95 => drop(self.take(8)?),
                // EMPTY_DICT, MARK
                b'}' => self.stack.push(Item::Dict),
                b'(' => self.stack.push(Item::Mark),
                // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8
                0x8c => {
                    let length = usize::from(self.byte()?);
                    self.text(length)?;
                }
                b'X' => {
                    let length = self.number(4)?;
                    self.text(length)?;
                }
                0x8d => {
                    let length = self.number(8)?;
                    self.text(length)?;
                }
                // BININT1, BININT2, BININT, NONE
                b'K' => self.push_number(1)?,
                b'M' => self.push_number(2)?,
                b'J' => self.push_number(4)?,
                b'N' => self.stack.push(Item::Text(Text::default())),
                // MEMOIZE, BINPUT, LONG_BINPUT
                0x94 => self.memoize(self.memoized)?,
                b'q' => {
                    let place = self.byte()?.into();
                    self.memoize(place)?;
                }
                b'r' => {
                    let place = self.place()?;
                    self.memoize(place)?;
                }
                // BINGET, LONG_BINGET
                b'h' => {
                    let place = self.byte()?.into();
                    self.recall(place)?;
                }
                b'j' => {
                    let place = self.place()?;
                    self.recall(place)?;
                }
                // SETITEM, SETITEMS
                b's' => {
                    let at = self.stack.len().checked_sub(2).ok_or_else(malformed)?;
                    self.set(at)?;
                }
                b'u' => {
                    let mark = |item: &Item| matches!(item, Item::Mark);
                    let at = self.stack.iter().rposition(mark).ok_or_else(malformed)?;
                    self.stack.remove(at);
                    self.set(at)?;
                }
                // STOP
                b'.' => {
                    return match (self.stack.as_slice(), self.rest) {
                        ([Item::Dict], []) => Ok(self.entries),
                        _ => Err(malformed()),
                    };
                }
                other => {
                    let message = format!(
                        "it is no pickle, or one that does more than hold data (0x{other:02x})"
                    );
                    return Err(refused(message));
                }
            }
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self, bytes: usize) -> Result<usize> {
        let number = self
            .take(bytes)?
            .iter()
            .rev()
            .fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        usize::try_from(number).map_err(|_| malformed())
    }

    fn place(&mut self) -> Result<u32> {
        u32::try_from(self.number(4)?).map_err(|_| malformed())
    }

    fn push_number(&mut self, bytes: usize) -> Result<()> {
        let number = self.number(bytes)?;
        self.stack.push(Item::Text(number.to_string().into()));
        Ok(())
    }

    fn text(&mut self, length: usize) -> Result<()> {
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| malformed())?;
        self.stack.push(Item::Text(text.to_owned().into()));
        Ok(())
    }

    fn memoize(&mut self, place: u32) -> Result<()> {
        self.memoized += 1;
        match self.stack.last() {
            Some(Item::Text(text)) => self.memo.push((place, text.clone())),
            Some(Item::Dict) => {}
            _ => return Err(malformed()),
        }
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<()> {
        let (_, text) = self
            .memo
            .iter()
            .rev()
            .find(|(at, _)| *at == place)
            .ok_or_else(malformed)?;
        self.stack.push(Item::Text(text.clone()));
        Ok(())
    }

    /// Puts the pairs above `at` into the dictionary that lies right below.
    fn set(&mut self, at: usize) -> Result<()> {
        let pairs = self.stack.split_off(at);
        if !matches!(self.stack.last(), Some(Item::Dict)) || self.stack.len() != 1 {
            return Err(malformed());
        }
        let mut pairs = pairs.into_iter();
        while let Some(key) = pairs.next() {
            match (key, pairs.next()) {
                (Item::Text(key), Some(Item::Text(value))) => self.entries.push((key, value)),
                _ => return Err(malformed()),
            }
        }
        Ok(())
    }
}

fn refused(why: String) -> Error {
    Error::new(
        ErrorKind::CorruptRecord,
        format!("the token cache is refused: {why}"),
    )
}

fn malformed() -> Error {
    refused("it is not a dictionary of texts".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wheelhouse_core::ExposeSecret;

    use super::*;

    /// `pickle.dumps({...}, protocol=4)` as Python writes it.
    fn protocol_4() -> Vec<u8> {
        let mut bytes = b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}\x94(".to_vec();
        for text in [
            "token_type",
            "Bearer",
            "access_token",
            "acc",
            "refresh_token",
            "ref",
            "device_token",
            "dev",
        ] {
            bytes.extend([0x8c, u8::try_from(text.len()).unwrap()]);
            bytes.extend(text.bytes());
            bytes.push(0x94);
        }
        bytes.extend(b"u.");
        bytes
    }

    #[test]
    fn a_cache_of_robin_stocks_is_read() {
        let cache = TokenCache::read(&protocol_4()).unwrap();
        assert_eq!(cache.device_token().unwrap().expose_secret(), "dev");
        let grant = cache.into_grant("user@example.com");
        assert_eq!(grant.access_token().expose_secret(), "acc");
        assert_eq!(grant.refresh_token().unwrap().expose_secret(), "ref");
    }

    #[test]
    fn older_protocols_are_read_too() {
        let mut bytes = b"\x80\x02}q\x00(".to_vec();
        for (n, text) in (1u8..).zip(["access_token", "acc", "expires_in"]) {
            bytes.push(b'X');
            bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
            bytes.extend(text.bytes());
            bytes.extend([b'q', n]);
        }
        bytes.extend(b"J\x80Q\x01\x00u.");
        assert!(TokenCache::read(&bytes).is_ok());
    }

    #[test]
    fn a_hostile_pickle_is_refused_and_never_run() {
        let hostile: [&[u8]; 7] = [
            b"cos\nsystem\n(S'touch /tmp/x'\ntR.",
            b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.",
            b"\x80\x02cbuiltins\neval\nq\x00X\x01\x00\x00\x001q\x01\x85q\x02Rq\x03.",
            b"\x80\x04}(\x8c\x01a\x8c\x01bu\x8c\x01c.",
            b"\x80\x04]\x94.",
            b"\x80\x04}\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
            b"(dp0\nS'access_token'\np1\nS'x'\np2\ns.",
        ];
        for bytes in hostile {
            let error = TokenCache::read(bytes).unwrap_err();
            assert_eq!(error.code(), 4004, "{bytes:?}");
        }
        assert_eq!(
            TokenCache::read(&vec![b'('; 70_000]).unwrap_err().code(),
            4004
        );
        assert_eq!(TokenCache::read(b"\x80\x04}.").unwrap_err().code(), 5002);
    }

    /// `pickle.dumps` of Python 3 with protocols 1 to 5, of a dictionary as robin_stocks keeps it.
    const WRITTEN: [&str; 5] = [
        "7d710028580a000000746f6b656e5f74797065710158060000004265617265727102580c0000006163636573735f746f6b656e710358030000006163637104580d000000726566726573685f746f6b656e710558030000007265667106580c0000006465766963655f746f6b656e710758030000006465767108752e",
        "80027d710028580a000000746f6b656e5f74797065710158060000004265617265727102580c0000006163636573735f746f6b656e710358030000006163637104580d000000726566726573685f746f6b656e710558030000007265667106580c0000006465766963655f746f6b656e710758030000006465767108752e",
        "80037d710028580a000000746f6b656e5f74797065710158060000004265617265727102580c0000006163636573735f746f6b656e710358030000006163637104580d000000726566726573685f746f6b656e710558030000007265667106580c0000006465766963655f746f6b656e710758030000006465767108752e",
        "8004955b000000000000007d94288c0a746f6b656e5f74797065948c06426561726572948c0c6163636573735f746f6b656e948c03616363948c0d726566726573685f746f6b656e948c03726566948c0c6465766963655f746f6b656e948c0364657694752e",
        "8005955b000000000000007d94288c0a746f6b656e5f74797065948c06426561726572948c0c6163636573735f746f6b656e948c03616363948c0d726566726573685f746f6b656e948c03726566948c0c6465766963655f746f6b656e948c0364657694752e",
    ];

    fn bytes_of(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn what_python_writes_is_read_in_every_protocol_that_it_has_used() {
        for hex in WRITTEN {
            let cache = TokenCache::read(&bytes_of(hex)).unwrap();
            assert_eq!(cache.device_token().unwrap().expose_secret(), "dev");
            let grant = cache.into_grant("u");
            assert_eq!(grant.access_token().expose_secret(), "acc");
            assert_eq!(grant.refresh_token().unwrap().expose_secret(), "ref");
        }
    }

    #[test]
    fn every_instruction_but_those_for_plain_data_is_refused() {
        let data = [
            0x80, 0x95, b'}', b'(', 0x8c, b'X', 0x8d, b'K', b'M', b'J', b'N', 0x94, b'q', b'r',
            b'h', b'j', b's', b'u', b'.',
        ];
        // In front of a whole cache, amid it, and behind it.
        let cache = bytes_of(WRITTEN[3]);
        for instruction in 0..=u8::MAX {
            for at in [0, 2, 12, cache.len() - 1] {
                for arguments in [&b""[..], b"os\nsystem\n", &[1; 9], &[0xff; 9]] {
                    let mut bytes = cache.clone();
                    let inserted = std::iter::once(instruction).chain(arguments.iter().copied());
                    bytes.splice(at..at, inserted);
                    let read = TokenCache::read(&bytes);
                    if !data.contains(&instruction) {
                        let error = read.unwrap_err();
                        assert_eq!(error.code(), 4004, "0x{instruction:02x} at {at}");
                        let named = format!("0x{instruction:02x}");
                        assert!(error.message().contains(&named), "{error}");
                    }
                }
            }
        }
    }

    #[test]
    fn sizes_counts_and_depths_have_their_limits() {
        let text = |bytes: &mut Vec<u8>, length: usize| {
            bytes.push(b'X');
            bytes.extend(u32::try_from(length).unwrap().to_le_bytes());
            bytes.extend(std::iter::repeat_n(b'a', length));
        };
        let mut long = b"\x80\x04}(".to_vec();
        text(&mut long, 12);
        text(&mut long, LONGEST);
        long.extend(b"u.");
        let mut many = b"\x80\x04}(".to_vec();
        (0..2 * MOST).for_each(|_| text(&mut many, 1));
        many.extend(b"u.");
        let mut one_by_one = b"\x80\x04}".to_vec();
        for _ in 0..2 * MOST {
            text(&mut one_by_one, 1);
            text(&mut one_by_one, 1);
            one_by_one.push(b's');
        }
        one_by_one.push(b'.');
        // One long text, remembered and called up again and again.
        let mut swollen = b"\x80\x04}(".to_vec();
        text(&mut swollen, LONGEST / 2);
        swollen.extend(b"q\x00".repeat(2 * MOST));
        let deep = [b"\x80\x04".to_vec(), b"}".repeat(1_000)].concat();
        let marks = [b"\x80\x04".to_vec(), b"(".repeat(1_000)].concat();
        let within = b"\x80\x04}(\x8c\x01a}u.".to_vec();
        for bytes in [long, many, one_by_one, swollen, deep, marks, within] {
            assert_eq!(TokenCache::read(&bytes).unwrap_err().code(), 4004);
        }
    }

    #[test]
    fn of_two_entries_with_one_name_the_later_counts() {
        let mut bytes = b"\x80\x04}(".to_vec();
        for text in ["access_token", "one", "access_token", "two"] {
            bytes.extend([0x8c, u8::try_from(text.len()).unwrap()]);
            bytes.extend(text.bytes());
        }
        bytes.extend(b"u.");
        let grant = TokenCache::read(&bytes).unwrap().into_grant("u");
        assert_eq!(grant.access_token().expose_secret(), "two");
    }

    #[test]
    fn secrets_show_neither_in_debug_nor_in_errors() {
        let cache = TokenCache::read(&protocol_4()).unwrap();
        assert_eq!(format!("{cache:?}"), "TokenCache { .. }");
        let mut broken = protocol_4();
        broken.pop();
        let error = TokenCache::read(&broken).unwrap_err();
        assert!(!format!("{error:?}").contains("acc"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = TokenCache::read(&bytes);
        }

        #[test]
        fn no_change_of_a_cache_makes_it_panic(at in 0usize..140, byte: u8) {
            let mut bytes = protocol_4();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let _ = TokenCache::read(&bytes);
        }

        #[test]
        fn no_order_of_instructions_makes_it_panic(
            parts in proptest::collection::vec(
                prop_oneof![
                    prop::sample::select(
                        &b"}(NKMJXqrhjsu.\x80\x8c\x8d\x94\x95cR\x93\x81bo"[..],
                    ),
                    0u8..4,
                ],
                0..200,
            ),
        ) {
            let _ = TokenCache::read(&parts);
            let begun = [&b"\x80\x04}("[..], &parts].concat();
            let _ = TokenCache::read(&begun);
        }

        #[test]
        fn every_dictionary_of_texts_is_read_back(
            entries in proptest::collection::vec(("[a-z_]{1,12}", ".{0,40}"), 0..20),
        ) {
            let mut bytes = b"\x80\x04}(".to_vec();
            let token = [("access_token".to_owned(), "known".to_owned())];
            for text in entries.iter().chain(&token).flat_map(|(a, b)| [a, b]) {
                bytes.push(b'X');
                bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
                bytes.extend(text.bytes());
            }
            bytes.extend(b"u.");
            let grant = TokenCache::read(&bytes).unwrap().into_grant("u");
            prop_assert_eq!(grant.access_token().expose_secret(), "known");
        }
    }
}
