//! Elements of a fixed number of bytes or characters: NumPy's S, U and V.

use core::fmt;
use core::str::Utf8Error;

/// Why a text has no room in an element, or an element is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// It is longer than an element.
    #[error("{found} {unit}, but an element has room for {max}")]
    #[non_exhaustive]
    TooLong {
        /// What is counted: bytes or characters.
        unit: &'static str,
        /// How many there are.
        found: usize,
        /// How many there is room for.
        max: usize,
    },
    /// A number in it is no character.
    #[error("character {index} is the number {value:#x}, which is none of Unicode's")]
    #[non_exhaustive]
    NoCharacter {
        /// The index of the character.
        index: usize,
        /// The number.
        value: u32,
    },
}

/// `N` bytes, zeros at the end: NumPy's `S`, as in `S5`.
///
/// Zero bytes at the end do not count, as in NumPy: they are what a shorter text leaves. Equality,
/// order and hash are those of all `N` bytes.
///
/// ```
/// use ndsharray::{ElementType, FixedBytes, ShElement};
///
/// let name = FixedBytes::<5>::new(b"left")?;
/// assert_eq!(name.as_bytes(), b"left");
/// assert_eq!(name.to_array(), *b"left\0");
/// assert_eq!(FixedBytes::<5>::ELEMENT.to_string(), "S5");
/// assert!(FixedBytes::<5>::new(b"leftmost").is_err());
/// # Ok::<(), ndsharray::TextError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct FixedBytes<const N: usize>([u8; N]);

/// `N` characters in UTF-32, zeros at the end: NumPy's `U`, as in `U5`.
///
/// Any numbers may stand in shared memory. They are checked when they are asked for as text.
/// Zeros at the end do not count, as in NumPy. Equality, order and hash are those of all `N`
/// numbers.
///
/// ```
/// use ndsharray::{ElementType, FixedText, ShElement};
///
/// let name = FixedText::<5>::new("Zoë")?;
/// assert_eq!(name.to_text()?, "Zoë");
/// assert_eq!(FixedText::<5>::ELEMENT.to_string(), "U5");
/// assert!(FixedText::<2>::from([0xd800, 0]).to_text().is_err()); // no character
/// # Ok::<(), ndsharray::TextError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct FixedText<const N: usize>([u32; N]);

/// `N` bytes that mean nothing to NumPy: its `V`, as in `V5`.
///
/// ```
/// use ndsharray::{ShElement, Void};
///
/// assert_eq!(Void::from([1, 2, 3]).to_array(), [1, 2, 3]);
/// assert_eq!(Void::<3>::ELEMENT.to_string(), "V3");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Void<const N: usize>([u8; N]);

macro_rules! fixed {
    ($name:ident: $unit:ty) => {
        // SAFETY: `repr(transparent)` around an array of integers, for which zeros are a value.
        unsafe impl<const N: usize> bytemuck::Zeroable for $name<N> {}
        // SAFETY: `repr(transparent)` around an array of integers: any bytes are a value, there is
        // no padding, no pointer and no interior mutability. It is `Copy` and `'static`.
        unsafe impl<const N: usize> bytemuck::Pod for $name<N> {}

        impl<const N: usize> $name<N> {
            /// All of it, zeros at the end included.
            #[must_use]
            pub const fn to_array(self) -> [$unit; N] {
                self.0
            }
        }

        impl<const N: usize> From<[$unit; N]> for $name<N> {
            fn from(all: [$unit; N]) -> Self {
                Self(all)
            }
        }

        impl<const N: usize> Default for $name<N> {
            /// All zeros.
            fn default() -> Self {
                Self([0; N])
            }
        }
    };
}

fixed!(FixedBytes: u8);
fixed!(FixedText: u32);
fixed!(Void: u8);

impl<const N: usize> FixedBytes<N> {
    /// The bytes, with zeros behind them.
    ///
    /// # Errors
    ///
    /// [`TextError::TooLong`] when there are more than `N`.
    pub fn new(bytes: &[u8]) -> Result<Self, TextError> {
        let mut all = [0; N];
        match all.split_at_mut_checked(bytes.len()) {
            Some((front, _)) => front.copy_from_slice(bytes),
            None => return Err(TextError::TooLong { unit: "bytes", found: bytes.len(), max: N }),
        }
        Ok(Self(all))
    }

    /// The bytes without the zeros at the end.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        trimmed(&self.0)
    }

    /// The bytes without the zeros at the end, as text.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] when they are no UTF-8.
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        core::str::from_utf8(self.as_bytes())
    }
}

impl<const N: usize> FixedText<N> {
    /// The text, with zeros behind it.
    ///
    /// # Errors
    ///
    /// [`TextError::TooLong`] when it has more than `N` characters.
    pub fn new(text: &str) -> Result<Self, TextError> {
        let mut all = [0; N];
        let mut chars = text.chars();
        for (to, from) in all.iter_mut().zip(chars.by_ref()) {
            *to = u32::from(from);
        }
        match chars.count() {
            0 => Ok(Self(all)),
            more => Err(TextError::TooLong { unit: "characters", found: N + more, max: N }),
        }
    }

    /// The text without the zeros at the end.
    ///
    /// # Errors
    ///
    /// [`TextError::NoCharacter`] when a number in it is none of Unicode's characters.
    pub fn to_text(&self) -> Result<String, TextError> {
        to_text(self.0.iter().copied())
    }
}

/// The text of UTF-32, without the zeros at the end.
pub(crate) fn to_text(numbers: impl Iterator<Item = u32>) -> Result<String, TextError> {
    let mut text = String::new();
    let mut end = 0;
    for (index, value) in numbers.enumerate() {
        text.push(char::from_u32(value).ok_or(TextError::NoCharacter { index, value })?);
        if value != 0 {
            end = text.len();
        }
    }
    text.truncate(end);
    Ok(text)
}

/// Bytes without the zeros at the end.
pub(crate) fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or(bytes)
}

impl<const N: usize> fmt::Debug for FixedBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.as_bytes().escape_ascii())
    }
}

/// As text where it is one; else as numbers.
impl<const N: usize> fmt::Debug for FixedText<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_text() {
            Ok(text) => text.fmt(f),
            Err(_) => self.0.fmt(f),
        }
    }
}

impl<const N: usize> fmt::Debug for Void<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::ShElement;
    use proptest::prelude::*;

    #[test]
    fn widths_are_bytes() {
        assert_eq!((FixedBytes::<7>::ELEMENT.size(), size_of::<FixedBytes<7>>()), (7, 7));
        assert_eq!((FixedText::<7>::ELEMENT.size(), size_of::<FixedText<7>>()), (28, 28));
        assert_eq!((Void::<7>::ELEMENT.size(), size_of::<Void<7>>()), (7, 7));
        assert_eq!((align_of::<FixedText<7>>(), FixedText::<7>::ELEMENT.align()), (4, 4));
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let bytes = FixedBytes::<3>::new(b"four").unwrap_err();
        assert_eq!(bytes, TextError::TooLong { unit: "bytes", found: 4, max: 3 });
        assert_eq!(bytes.to_string(), "4 bytes, but an element has room for 3");
        let text = FixedText::<3>::new("fünf").unwrap_err();
        assert_eq!(text, TextError::TooLong { unit: "characters", found: 4, max: 3 });
        assert!(FixedText::<3>::new("fün").is_ok());
    }

    #[test]
    fn zeros_within_count() {
        assert_eq!(FixedBytes::<5>::new(b"\0a\0").unwrap().as_bytes(), b"\0a");
        assert_eq!(FixedText::<5>::new("\0a\0").unwrap().to_text().unwrap(), "\0a");
        assert_eq!(FixedBytes::<5>::default().as_bytes(), b"");
        assert_eq!(FixedText::<5>::default().to_text().unwrap(), "");
    }

    #[test]
    fn they_are_shown() {
        assert_eq!(format!("{:?}", FixedBytes::<3>::new(b"a\xff").unwrap()), "b\"a\\xff\"");
        assert_eq!(format!("{:?}", FixedText::<3>::new("ä").unwrap()), "\"ä\"");
        assert_eq!(format!("{:?}", FixedText::from([0xd800])), "[55296]");
        assert_eq!(format!("{:?}", Void::from([1, 255])), "[01, ff]");
    }

    proptest! {
        #[test]
        fn texts_come_back(text in "[^\0]{0,9}") {
            let fixed = FixedText::<9>::new(&text).unwrap();
            prop_assert_eq!(fixed.to_text().unwrap(), text);
        }

        #[test]
        fn any_numbers_have_an_answer(numbers: [u32; 4]) {
            let bad = numbers.iter().position(|&value| char::from_u32(value).is_none());
            match FixedText::from(numbers).to_text() {
                Ok(_) => prop_assert_eq!(bad, None),
                Err(TextError::NoCharacter { index, value }) => {
                    prop_assert_eq!((Some(index), value), (bad, numbers[index]));
                }
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }
}
