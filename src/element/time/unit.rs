//! Units of time: NumPy's, and multiples of them.

use core::fmt;
use core::str::FromStr;

/// A unit of time as NumPy has it: one of fourteen, or so many of it at a time.
///
/// ```
/// use ndsharray::TimeUnit;
///
/// assert_eq!("25s".parse::<TimeUnit>()?, TimeUnit::SECOND.times(25)?);
/// assert_eq!(TimeUnit::NANOSECOND.to_string(), "ns");
/// assert!(TimeUnit::DAY.times(1 << 24).is_err()); // 24 bits in shared memory
/// # Ok::<(), ndsharray::TimeUnitError>(())
/// ```
// The parameter as it stands in shared memory: NumPy's number of the unit in the lowest byte, the
// multiplier in the 24 bits above.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeUnit(u32);

/// Each unit: its name here, NumPy's number and name for it, and its length.
const UNITS: [(u8, &str, Length); 14] = [
    (0, "Y", Length::Months(12)),
    (1, "M", Length::Months(1)),
    (2, "W", Length::Seconds(604_800)),
    (4, "D", Length::Seconds(86_400)),
    (5, "h", Length::Seconds(3_600)),
    (6, "m", Length::Seconds(60)),
    (7, "s", Length::Seconds(1)),
    (8, "ms", Length::Part(1_000)),
    (9, "us", Length::Part(1_000_000)),
    (10, "ns", Length::Part(1_000_000_000)),
    (11, "ps", Length::Part(1_000_000_000_000)),
    (12, "fs", Length::Part(1_000_000_000_000_000)),
    (13, "as", Length::Part(1_000_000_000_000_000_000)),
    (14, "generic", Length::None),
];

/// How long a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Months(u32),
    Seconds(u32),
    /// So many of it are a second.
    Part(u64),
    /// Of no length: the generic unit.
    None,
}

impl TimeUnit {
    /// Years.
    pub const YEAR: Self = Self::one(0);
    /// Months.
    pub const MONTH: Self = Self::one(1);
    /// Weeks.
    pub const WEEK: Self = Self::one(2);
    /// Days.
    pub const DAY: Self = Self::one(4);
    /// Hours.
    pub const HOUR: Self = Self::one(5);
    /// Minutes.
    pub const MINUTE: Self = Self::one(6);
    /// Seconds.
    pub const SECOND: Self = Self::one(7);
    /// Milliseconds.
    pub const MILLISECOND: Self = Self::one(8);
    /// Microseconds.
    pub const MICROSECOND: Self = Self::one(9);
    /// Nanoseconds: the unit of new arrays, unless another is set.
    pub const NANOSECOND: Self = Self::one(10);
    /// Picoseconds.
    pub const PICOSECOND: Self = Self::one(11);
    /// Femtoseconds.
    pub const FEMTOSECOND: Self = Self::one(12);
    /// Attoseconds.
    pub const ATTOSECOND: Self = Self::one(13);
    /// NumPy's generic unit, which has no length.
    pub const GENERIC: Self = Self::one(14);

    /// The largest multiplier: it has 24 bits in shared memory.
    pub const MAX_MULTIPLIER: u32 = (1 << 24) - 1;

    const fn one(code: u8) -> Self {
        Self(code as u32 | 1 << 8)
    }

    /// So many of this unit as one.
    ///
    /// # Errors
    ///
    /// [`TimeUnitError::Multiplier`] when the product is 0, or above
    /// [`MAX_MULTIPLIER`](Self::MAX_MULTIPLIER). NumPy goes further, to 2³¹ − 1.
    pub const fn times(self, count: u32) -> Result<Self, TimeUnitError> {
        let found = self.multiplier() as u64 * count as u64;
        if found == 0 || found > Self::MAX_MULTIPLIER as u64 {
            return Err(TimeUnitError::Multiplier { found });
        }
        #[allow(clippy::cast_possible_truncation, reason = "at most 24 bits, as just tested")]
        Ok(Self((found as u32) << 8 | self.code() as u32))
    }

    /// How many of NumPy's units are one of this.
    #[must_use]
    pub const fn multiplier(self) -> u32 {
        self.0 >> 8
    }

    /// NumPy's unit without the multiplier.
    #[must_use]
    pub const fn base(self) -> Self {
        Self::one(self.code())
    }

    /// NumPy's name of the unit without the multiplier: `"ns"`.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        UNITS.iter().find(|(code, ..)| *code == self.code()).map_or("generic", |(_, symbol, _)| symbol)
    }

    #[allow(clippy::cast_possible_truncation, reason = "the lowest byte is what is wanted")]
    const fn code(self) -> u8 {
        self.0 as u8
    }

    pub(crate) const fn to_parameter(self) -> u32 {
        self.0
    }

    /// The unit that stands in shared memory as `parameter`, if one does.
    pub(crate) const fn from_parameter(parameter: u32) -> Option<Self> {
        let unit = Self(parameter);
        match unit.code() {
            0..=2 | 4..=14 if unit.multiplier() != 0 => Some(unit),
            _ => None,
        }
    }

    pub(super) fn length(self) -> Length {
        UNITS.iter().find(|(code, ..)| *code == self.code()).map_or(Length::None, |&(_, _, length)| length)
    }

    /// The months that a unit of months or years has.
    pub(super) fn months(self) -> Option<u64> {
        match self.length() {
            Length::Months(months) => Some(u64::from(months) * u64::from(self.multiplier())),
            _ => None,
        }
    }
}

/// Writes it as NumPy does: `ns`, `25s`.
impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.multiplier() {
            1 => f.pad(self.symbol()),
            multiplier => f.pad(&format!("{multiplier}{}", self.symbol())),
        }
    }
}

impl fmt::Debug for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimeUnit({self})")
    }
}

/// Why there is no such unit of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeUnitError {
    /// The multiplier has no room in shared memory, or is 0.
    #[error(
        "a multiplier of {found}, but 1 to {} are possible: it has 24 bits in shared memory",
        TimeUnit::MAX_MULTIPLIER
    )]
    #[non_exhaustive]
    Multiplier {
        /// The multiplier.
        found: u64,
    },
    /// NumPy has no unit of this name.
    #[error("no unit of time is called {text:?}; NumPy's are Y, M, W, D, h, m, s, ms, us, ns, ps, fs, as and generic")]
    #[non_exhaustive]
    Name {
        /// The text.
        text: String,
    },
}

/// Takes NumPy's names, with or without a multiplier: `ns`, `25s`, `generic`.
impl FromStr for TimeUnit {
    type Err = TimeUnitError;

    fn from_str(text: &str) -> Result<Self, TimeUnitError> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, symbol) = text.split_at_checked(digits).unwrap_or(("", text));
        let code = match symbol {
            // Greek letter mu and micro sign, as NumPy takes them.
            "\u{3bc}s" | "\u{b5}s" => Some(Self::MICROSECOND.code()),
            _ => UNITS.iter().find(|(_, name, _)| *name == symbol).map(|(code, ..)| *code),
        };
        let unit = code.map(Self::one).ok_or_else(|| TimeUnitError::Name { text: text.to_owned() })?;
        if count.is_empty() {
            return Ok(unit);
        }
        // What does not fit is too large in any case.
        let count: u64 = count.parse().unwrap_or(u64::MAX);
        unit.times(u32::try_from(count).map_err(|_| TimeUnitError::Multiplier { found: count })?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_comes_back() {
        for (code, symbol, _) in UNITS {
            let unit = TimeUnit::one(code);
            assert_eq!((unit.to_string().as_str(), symbol.parse()), (symbol, Ok(unit)));
            assert_eq!(TimeUnit::from_parameter(unit.to_parameter()), Some(unit));
            let many = unit.times(TimeUnit::MAX_MULTIPLIER).unwrap();
            assert_eq!((many.base(), many.multiplier(), many.symbol()), (unit, TimeUnit::MAX_MULTIPLIER, symbol));
            assert_eq!(many.to_string().parse(), Ok(many));
        }
        assert_eq!("\u{3bc}s".parse(), Ok(TimeUnit::MICROSECOND));
    }

    /// A copy of NumPy's numbers on purpose: they stand in shared memory.
    #[test]
    fn numbers_are_for_ever() {
        let numbers = UNITS.map(|(code, ..)| code);
        assert_eq!(numbers, [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
        assert_eq!(TimeUnit::SECOND.times(25).unwrap().to_parameter(), 25 << 8 | 7);
    }

    #[test]
    fn other_parameters_are_none() {
        for parameter in [0, 3 | 1 << 8, 15 | 1 << 8, 255 | 1 << 8, 7, 14] {
            assert_eq!(TimeUnit::from_parameter(parameter), None, "{parameter:#x}");
        }
    }

    #[test]
    fn multipliers_end_at_24_bits() {
        for (text, found) in [("0s", 0), ("16777216s", 1 << 24), ("99999999999999999999s", u64::MAX)] {
            assert_eq!(text.parse::<TimeUnit>(), Err(TimeUnitError::Multiplier { found }));
        }
        assert!(TimeUnit::MAX_MULTIPLIER.checked_mul(2).is_some_and(|more| TimeUnit::HOUR.times(more).is_err()));
        let error = TimeUnit::SECOND.times(1 << 24).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a multiplier of 16777216, but 1 to 16777215 are possible: it has 24 bits in shared memory"
        );
    }

    #[test]
    fn other_names_are_refused() {
        for text in ["", "5", "S", "B", "seconds", "-1s", "+1s", " s", "1 s"] {
            assert_eq!(text.parse::<TimeUnit>(), Err(TimeUnitError::Name { text: text.to_owned() }));
        }
    }
}
