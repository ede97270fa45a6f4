//! What an array's elements are, to the last detail: a dtype and its parameter.

use super::dtype::DType;
use super::rule::{CHAR, MAX_WIDTH, Rule};
use super::time::unit::{TimeUnit, TimeUnitError};
use core::fmt;
use core::str::FromStr;

/// A dtype together with its parameter: all that is to be known of an array's elements.
///
/// Most dtypes have no parameter, and stand for themselves: `ElementType::from(DType::F32)`. Times
/// have a [`TimeUnit`], and bytes, texts and voids have a width.
///
/// # The parameter
///
/// 32 bits, as they stand in shared memory:
///
/// | dtype | parameter |
/// |---|---|
/// | longdouble, clongdouble | the format of this machine's long doubles |
/// | datetime64, timedelta64 | the [`TimeUnit`]: NumPy's number in eight bits, its multiplier above |
/// | bytes, str, void | bytes of an element, 1 to 2³¹ − 1; of str four for each character |
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
/// use ndsharray::{DType, ElementType, TimeUnit};
///
/// let element = ElementType::from(DType::F32);
/// assert_eq!(element.dtype(), DType::F32);
/// assert_eq!(element.size(), 4);
/// assert_eq!(element.to_string(), "float32");
///
/// let times = ElementType::datetime64(TimeUnit::SECOND.times(25)?);
/// assert_eq!(times.to_string(), "datetime64[25s]");
/// assert_eq!("datetime64[25s]".parse(), Ok(times));
/// assert_eq!(ElementType::text(5)?.size(), 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
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

    /// Points in time, counted in `unit`.
    #[must_use]
    pub const fn datetime64(unit: TimeUnit) -> Self {
        Self::of(DType::DateTime64, unit.to_parameter())
    }

    /// Spans of time, counted in `unit`.
    #[must_use]
    pub const fn timedelta64(unit: TimeUnit) -> Self {
        Self::of(DType::TimeDelta64, unit.to_parameter())
    }

    /// Elements of `width` bytes of text: NumPy's `S`.
    ///
    /// # Errors
    ///
    /// [`ElementTypeError::Width`] when it is 0, or above 2³¹ − 1.
    pub fn bytes(width: usize) -> Result<Self, ElementTypeError> {
        Self::wide(DType::Bytes, width, 1)
    }

    /// Elements of so many characters, of four bytes each: NumPy's `U`.
    ///
    /// # Errors
    ///
    /// [`ElementTypeError::Width`] when there are none, or more than 2³¹ − 1 bytes of them.
    pub fn text(characters: usize) -> Result<Self, ElementTypeError> {
        Self::wide(DType::Text, characters, CHAR as usize)
    }

    /// Elements of `width` bytes without a meaning: NumPy's `V`.
    ///
    /// # Errors
    ///
    /// [`ElementTypeError::Width`] when it is 0, or above 2³¹ − 1.
    pub fn void(width: usize) -> Result<Self, ElementTypeError> {
        Self::wide(DType::Void, width, 1)
    }

    fn wide(dtype: DType, width: usize, unit: usize) -> Result<Self, ElementTypeError> {
        let parameter = width.checked_mul(unit).and_then(|bytes| u32::try_from(bytes).ok());
        match parameter.filter(|&parameter| dtype.rule().allows(parameter)) {
            Some(parameter) => Ok(Self::of(dtype, parameter)),
            None => Err(ElementTypeError::Width { dtype, found: width, max: MAX_WIDTH as usize / unit }),
        }
    }

    /// As [`wide`](Self::wide), for a width that is known when a program is compiled.
    pub(super) const fn of_width(dtype: DType, width: usize, unit: usize) -> Self {
        assert!(width != 0 && width <= MAX_WIDTH as usize / unit, "an element has 1 to 2^31 - 1 bytes");
        #[allow(clippy::cast_possible_truncation, reason = "as just tested")]
        Self::of(dtype, (width * unit) as u32)
    }

    /// The unit of times; `None` for all other elements.
    #[must_use]
    pub const fn unit(self) -> Option<TimeUnit> {
        match self.rule() {
            Rule::Unit => TimeUnit::from_parameter(self.parameter()),
            _ => None,
        }
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

/// Writes what `numpy.dtype` takes, and minds width: `float32`, `datetime64[ns]`, `S5`.
impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dtype, parameter) = (self.dtype(), self.parameter());
        match self.unit() {
            Some(TimeUnit::GENERIC) => return dtype.fmt(f),
            Some(unit) => return f.pad(&format!("{dtype}[{unit}]")),
            None => {}
        }
        match dtype.rule() {
            Rule::Bytes => f.pad(&format!("{}{parameter}", dtype.kind())),
            Rule::Chars => f.pad(&format!("{}{}", dtype.kind(), parameter / CHAR)),
            Rule::Plain | Rule::Format | Rule::Unit | Rule::Record => dtype.fmt(f),
        }
    }
}

/// As the dtype, where that says all; else as [`Display`](fmt::Display) does.
impl fmt::Debug for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule() {
            Rule::Plain | Rule::Format | Rule::Record => fmt::Debug::fmt(&self.dtype(), f),
            Rule::Unit | Rule::Bytes | Rule::Chars => write!(f, "{self}"),
        }
    }
}

/// Takes the names of [`DType`], and what [`Display`](fmt::Display) writes.
///
/// Of times `M8[ns]` and `m8[ns]` too. Without a unit theirs is the generic one, as in NumPy.
///
/// # Errors
///
/// [`ElementTypeError::Name`] for another text, [`ElementTypeError::Width`] and
/// [`ElementTypeError::Unit`].
impl FromStr for ElementType {
    type Err = ElementTypeError;

    fn from_str(text: &str) -> Result<Self, ElementTypeError> {
        let unknown = || ElementTypeError::Name { text: text.to_owned() };
        let (name, unit) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
            Some((name, unit)) => (name, Some(unit)),
            None => (text, None),
        };
        let time = match name {
            "datetime64" | "M8" => Some(DType::DateTime64),
            "timedelta64" | "m8" => Some(DType::TimeDelta64),
            _ => None,
        };
        match (time, unit) {
            (Some(dtype), Some(unit)) => Ok(Self::of(dtype, unit.parse::<TimeUnit>()?.to_parameter())),
            (Some(dtype), None) => Ok(Self::of(dtype, TimeUnit::GENERIC.to_parameter())),
            (None, Some(_)) => Err(unknown()),
            (None, None) => match name.parse::<DType>() {
                // Their names say no width, and no fields.
                Ok(DType::Bytes | DType::Text | DType::Void | DType::Record) => Err(unknown()),
                Ok(dtype) => Ok(dtype.into()),
                Err(_) => Self::from_width(name).ok_or_else(unknown)?,
            },
        }
    }
}

impl ElementType {
    /// A kind with its width: `S5`. `None` for another text.
    pub(super) fn from_width(text: &str) -> Option<Result<Self, ElementTypeError>> {
        let (kind, width) = text.split_at_checked(1)?;
        // Digits alone, as `parse` would take a sign.
        if width.is_empty() || !width.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // What does not fit is too wide in any case.
        let width = width.parse().unwrap_or(usize::MAX);
        match kind {
            "S" => Some(Self::bytes(width)),
            "U" => Some(Self::text(width)),
            "V" => Some(Self::void(width)),
            _ => None,
        }
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
    /// Elements cannot be so wide.
    #[error("{dtype} of width {found}, but 1 to {max} are possible")]
    #[non_exhaustive]
    Width {
        /// The dtype.
        dtype: DType,
        /// Bytes; of `str` characters.
        found: usize,
        /// The largest width.
        max: usize,
    },
    /// There is no such unit of time.
    #[error("times in another unit than NumPy's: {0}")]
    Unit(#[from] TimeUnitError),
    /// No element type has this name.
    #[error("no element type is called {text:?}")]
    #[non_exhaustive]
    Name {
        /// The text.
        text: String,
    },
    /// A type string of NumPy's that stands for no element type here.
    #[error("the type string {descr:?}: {reason}")]
    #[non_exhaustive]
    Descr {
        /// The type string.
        descr: String,
        /// Why it stands for none.
        reason: &'static str,
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
