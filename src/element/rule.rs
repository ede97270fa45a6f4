//! What a dtype's parameter means, and which values it may have.

use super::long_double::LongDouble;
use super::time::unit::TimeUnit;

/// How the parameter of an element type is to be read. Each row of the table names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// There is none: it is 0.
    Plain,
    /// The format of this machine's long doubles, and no other.
    Format,
    /// A [`TimeUnit`].
    Unit,
    /// Bytes of an element.
    Bytes,
    /// Bytes of an element, four a character.
    Chars,
    /// The bytes of one record.
    Record,
}

/// The rule that a row of the table names.
macro_rules! rule {
    (plain) => {
        $crate::element::rule::Rule::Plain
    };
    (format) => {
        $crate::element::rule::Rule::Format
    };
    (unit) => {
        $crate::element::rule::Rule::Unit
    };
    (bytes) => {
        $crate::element::rule::Rule::Bytes
    };
    (chars) => {
        $crate::element::rule::Rule::Chars
    };
}

pub(crate) use rule;

/// Bytes of the widest element, as in NumPy.
pub(crate) const MAX_WIDTH: u32 = i32::MAX as u32;

/// Bytes of a character in UTF-32.
pub(crate) const CHAR: u32 = 4;

impl Rule {
    /// The parameter where none is given: nanoseconds, one byte, one character.
    #[inline]
    pub(crate) const fn default(self) -> u32 {
        match self {
            Self::Plain => 0,
            Self::Format => LongDouble::FORMAT,
            Self::Unit => TimeUnit::NANOSECOND.to_parameter(),
            Self::Bytes => 1,
            Self::Chars => CHAR,
            // No record in particular.
            Self::Record => 1,
        }
    }

    /// Whether arrays of this library may have the parameter.
    #[inline]
    pub(crate) const fn allows(self, parameter: u32) -> bool {
        match self {
            Self::Plain | Self::Format => parameter == self.default(),
            Self::Unit => TimeUnit::from_parameter(parameter).is_some(),
            Self::Bytes => parameter != 0 && parameter <= MAX_WIDTH,
            Self::Chars => parameter != 0 && parameter <= MAX_WIDTH && parameter.is_multiple_of(CHAR),
            Self::Record => parameter != 0 && parameter <= i32::MAX as u32,
        }
    }

    /// Bytes of an element, if one of the default parameter takes `size`.
    #[inline]
    pub(crate) const fn size(self, size: usize, parameter: u32) -> usize {
        match self {
            Self::Plain | Self::Format | Self::Unit => size,
            Self::Bytes | Self::Chars | Self::Record => parameter as usize,
        }
    }

    /// Whether elements of two parameters are of two Rust types.
    #[inline]
    pub(crate) const fn tells_types_apart(self) -> bool {
        match self {
            Self::Plain | Self::Format | Self::Unit => false,
            Self::Bytes | Self::Chars | Self::Record => true,
        }
    }
}
