//! What an array's elements are, to the last detail: a dtype and its parameter.

use super::dtype::DType;
use super::rule::Rule;
use core::fmt;

/// A dtype together with its parameter: all that is to be known of an array's elements.
///
/// Most dtypes have no parameter, and stand for themselves: `ElementType::from(DType::F32)`.
///
/// # The parameter
///
/// 32 bits, as they stand in shared memory:
///
/// | dtype | parameter |
/// |---|---|
/// | longdouble, clongdouble | the format of this machine's long doubles |
/// | record | bytes of one record |
/// | all others | 0 |
///
/// It says how many bytes an element takes, so that a header can be checked without anything else.
/// A dtype whose elements are described in a file of their own has room in it for both: the number
/// of the description in its lowest eight bits, and the bytes of an element in the 24 above.
///
/// # Example
///
/// ```
/// use ndsharray::{DType, ElementType};
///
/// let element = ElementType::from(DType::F32);
/// assert_eq!(element.dtype(), DType::F32);
/// assert_eq!(element.size(), 4);
/// assert_eq!(element.to_string(), "float32");
/// ```
// The dtype's number in the lowest byte, the number of a description in the next, the parameter in
// the upper half. One word, so that a writer compares it with its slot's in one instruction, and
// passes it on in one register.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementType(u64);

impl ElementType {
    /// The element type of a dtype and its parameter, as the two stand in shared memory.
    ///
    /// # Errors
    ///
    /// [`ElementTypeError::Parameter`] when the dtype cannot have the parameter.
    pub const fn new(dtype: DType, parameter: u32) -> Result<Self, ElementTypeError> {
        if dtype.rule().allows(parameter) {
            Ok(Self::of(dtype, parameter))
        } else {
            Err(ElementTypeError::Parameter { dtype, parameter })
        }
    }

    /// The element type of a dtype with the parameter that it has by default.
    #[must_use]
    #[inline]
    pub const fn from_dtype(dtype: DType) -> Self {
        Self::of(dtype, dtype.rule().default())
    }

    #[inline]
    const fn of(dtype: DType, parameter: u32) -> Self {
        Self(dtype.tag() as u64 | (parameter as u64) << 32)
    }

    /// Records of `item_size` bytes, whatever their fields are.
    #[allow(clippy::cast_possible_truncation, reason = "a record is not that large: see `RecordType`")]
    pub(crate) const fn of_record(item_size: usize) -> Self {
        Self::of(DType::Record, item_size as u32)
    }

    /// The same, with the number of the description of its records.
    ///
    /// Headers alone have that: elsewhere records of one size are one element type.
    #[inline]
    pub(crate) const fn with_description(self, number: u8) -> Self {
        Self(self.0 & !(0xff << 8) | (number as u64) << 8)
    }

    /// The number of the description of its records.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "one byte is what is wanted")]
    pub(crate) const fn description(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// What the elements are, but for the parameter.
    #[must_use]
    #[inline]
    pub const fn dtype(self) -> DType {
        match DType::from_tag(self.tag()) {
            Some(dtype) => dtype,
            None => unreachable!(), // an element type is made of a dtype
        }
    }

    /// The number of the dtype in shared memory.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the lowest byte is what is wanted")]
    pub(crate) const fn tag(self) -> u8 {
        self.0 as u8
    }

    /// The dtype's parameter; 0 where there is none.
    #[must_use]
    #[inline]
    pub const fn parameter(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline]
    const fn rule(self) -> Rule {
        self.dtype().rule()
    }

    /// Bytes that one element takes (NumPy: `itemsize`); never 0.
    ///
    /// ```
    /// use ndsharray::{DType, ElementType};
    ///
    /// assert_eq!(ElementType::from(DType::C128).size(), 16);
    /// ```
    #[must_use]
    #[inline]
    pub const fn size(self) -> usize {
        self.rule().size(self.dtype().size(), self.parameter())
    }

    /// The alignment, in bytes, that an element has on this target.
    #[must_use]
    #[inline]
    pub const fn align(self) -> usize {
        self.dtype().align()
    }
}

impl From<DType> for ElementType {
    /// With the parameter that the dtype has by default.
    #[inline]
    fn from(dtype: DType) -> Self {
        Self::from_dtype(dtype)
    }
}

/// Writes NumPy's name, and minds width and alignment.
impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.dtype().fmt(f)
    }
}

/// As the dtype, where that says all.
impl fmt::Debug for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.dtype(), f)
    }
}

/// Why there is no such element type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ElementTypeError {
    /// The dtype cannot have the parameter.
    #[error("{dtype} cannot have the parameter {parameter:#x}")]
    #[non_exhaustive]
    Parameter {
        /// The dtype.
        dtype: DType,
        /// The parameter.
        parameter: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    static_assertions::assert_eq_size!(ElementType, u64);

    #[test]
    fn a_dtype_stands_for_itself() {
        for dtype in DType::ALL {
            let element = ElementType::from(*dtype);
            assert_eq!((element.dtype(), element.size(), element.align()), (*dtype, dtype.size(), dtype.align()));
            assert_eq!(ElementType::new(*dtype, element.parameter()), Ok(element));
        }
    }

    #[test]
    fn other_parameters_are_refused() {
        for (dtype, parameter) in [(DType::F32, 1), (DType::Bool, u32::MAX), (DType::LongDouble, 0)] {
            let error = ElementType::new(dtype, parameter).unwrap_err();
            assert_eq!(error, ElementTypeError::Parameter { dtype, parameter });
        }
        let error = ElementType::new(DType::F32, 0x10).unwrap_err();
        assert_eq!(error.to_string(), "float32 cannot have the parameter 0x10");
    }

    #[test]
    fn display_pads() {
        let element = ElementType::from(DType::I8);
        assert_eq!(format!("{element:>6}|{element:?}"), "  int8|I8");
    }
}
