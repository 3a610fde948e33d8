use crate::Decimal;

/// Makes a [`Decimal`] from a number that is exact: `dec!(0.10)`, `dec!(-1_000)`.
///
/// It is worked out when the program is compiled; what is no plain decimal number of at most 28
/// decimal places does not compile. Zeros at the end are kept, as in [`Decimal`] itself. A crate
/// that uses it needs no other than this one.
///
/// ```
/// use wheelhouse_core::dec;
///
/// assert_eq!(dec!(0.10).to_string(), "0.10");
/// assert_eq!(dec!(-1_000).to_string(), "-1000");
/// ```
#[macro_export]
macro_rules! dec {
    ($($number:tt)+) => {
        const { $crate::__decimal(stringify!($($number)+)) }
    };
}

/// What [`dec!`](crate::dec) compiles to.
#[doc(hidden)]
pub const fn __decimal(text: &str) -> Decimal {
    let bytes = text.as_bytes();
    let (mut mantissa, mut scale, mut digits) = (0u128, 0u32, 0u32);
    let (mut negative, mut point) = (false, false);
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            digit @ b'0'..=b'9' => {
                mantissa = mantissa * 10 + (digit - b'0') as u128;
                assert!(mantissa >> 96 == 0, "the number has too many digits");
                digits += 1;
                scale += point as u32;
            }
            b'-' if digits == 0 && !point && !negative => negative = true,
            b'.' if !point => point = true,
            b'_' | b' ' => {}
            _ => panic!("the number is not a plain decimal number such as 0.10"),
        }
        at += 1;
    }
    assert!(digits > 0, "the number has no digit");
    assert!(scale <= 28, "the number has more than 28 decimal places");
    let (low, middle, high) = (
        mantissa as u32,
        (mantissa >> 32) as u32,
        (mantissa >> 64) as u32,
    );
    Decimal::from_parts(low, middle, high, negative, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_their_text_says() {
        for (made, text) in [
            (dec!(0), "0"),
            (dec!(0.10), "0.10"),
            (dec!(-5.4321), "-5.4321"),
            (dec!(60_000), "60000"),
            (
                dec!(79228162514264337593543950335),
                "79228162514264337593543950335",
            ),
            (
                dec!(0.0000000000000000000000000001),
                "0.0000000000000000000000000001",
            ),
        ] {
            assert_eq!(made.to_string(), text);
            assert_eq!(made, Decimal::from_str_exact(text).unwrap());
        }
    }

    #[test]
    #[should_panic(expected = "not a plain decimal number")]
    fn what_is_no_plain_number_is_refused() {
        __decimal("1e6");
    }
}
