//! What a dtype's parameter means, and which values it may have.

use super::long_double::LongDouble;

/// How the parameter of an element type is to be read. Each row of the table names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// There is none: it is 0.
    Plain,
    /// The format of this machine's long doubles, and no other.
    Format,
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
}

pub(crate) use rule;

impl Rule {
    /// The parameter where none is given.
    #[inline]
    pub(crate) const fn default(self) -> u32 {
        match self {
            Self::Plain => 0,
            Self::Format => LongDouble::FORMAT,
            // No record in particular.
            Self::Record => 1,
        }
    }

    /// Whether arrays of this library may have the parameter.
    #[inline]
    pub(crate) const fn allows(self, parameter: u32) -> bool {
        match self {
            Self::Plain | Self::Format => parameter == self.default(),
            Self::Record => parameter != 0 && parameter <= i32::MAX as u32,
        }
    }

    /// Bytes of an element, if one of the default parameter takes `size`.
    #[inline]
    pub(crate) const fn size(self, size: usize, parameter: u32) -> usize {
        match self {
            Self::Plain | Self::Format => size,
            Self::Record => parameter as usize,
        }
    }

    /// Whether elements of two parameters are of two Rust types.
    #[inline]
    pub(crate) const fn tells_types_apart(self) -> bool {
        match self {
            Self::Plain | Self::Format => false,
            Self::Record => true,
        }
    }
}
