//! A point in time to the nanosecond, wide enough for any unit.

use super::calendar;
use super::unit::{Length, TimeUnit};
use std::time::{Duration, SystemTime};

/// Why a time cannot be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// It is NaT.
    #[error("it is NaT, which is no time")]
    NotATime,
    /// It lies beyond what the other type, or 64 bits of the unit, can hold.
    #[error("the time lies beyond what can be held")]
    Overflow,
    /// It is below zero, and the other type has no sign.
    #[error("the span is below zero")]
    Negative,
    /// The unit has no fixed length.
    #[error("the unit has no fixed length")]
    NoLength,
}

/// Nanoseconds in a second.
const NANOS: u64 = 1_000_000_000;
const DAY: i128 = 86_400;

/// Seconds since 1970, and the nanoseconds after that second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instant {
    secs: i128,
    nanos: u32,
}

impl Instant {
    pub(super) fn new(secs: i128, nanos: u32) -> Self {
        Self { secs, nanos }
    }

    /// Seconds, rounded down, and nanoseconds below a second.
    #[cfg(any(feature = "jiff", feature = "chrono"))]
    pub(super) fn parts(self) -> Result<(i64, u32), TimeError> {
        Ok((i64::try_from(self.secs).map_err(|_| TimeError::Overflow)?, self.nanos))
    }

    /// The first of a month, counted from January 1970.
    pub(super) fn of_months(months: i128) -> Result<Self, TimeError> {
        let days = calendar::days_of_month(months).ok_or(TimeError::Overflow)?;
        Ok(Self { secs: i128::from(days) * DAY, nanos: 0 })
    }

    /// So many units of a fixed length.
    pub(super) fn of_ticks(number: i64, unit: TimeUnit) -> Result<Self, TimeError> {
        // At most 63 and 24 bits.
        let number = i128::from(number) * i128::from(unit.multiplier());
        match unit.length() {
            Length::Seconds(secs) => Ok(Self { secs: number * i128::from(secs), nanos: 0 }),
            Length::Part(parts) => {
                let (secs, rest) = (number.div_euclid(i128::from(parts)), number.rem_euclid(i128::from(parts)));
                let nanos = u32::try_from(rest * i128::from(NANOS) / i128::from(parts));
                Ok(Self { secs, nanos: nanos.map_err(|_| TimeError::Overflow)? })
            }
            Length::Months(_) | Length::None => Err(TimeError::NoLength),
        }
    }

    /// Whole units of a fixed length, rounded down.
    pub(super) fn ticks(self, unit: TimeUnit) -> Result<i128, TimeError> {
        let number = match unit.length() {
            Length::Seconds(secs) => self.secs.div_euclid(i128::from(secs)),
            Length::Part(parts) => {
                let below = u128::from(self.nanos) * u128::from(parts) / u128::from(NANOS);
                let whole = self.secs.checked_mul(i128::from(parts));
                whole.and_then(|whole| whole.checked_add_unsigned(below)).ok_or(TimeError::Overflow)?
            }
            Length::Months(_) | Length::None => return Err(TimeError::NoLength),
        };
        Ok(number.div_euclid(i128::from(unit.multiplier())))
    }

    /// Whole months from January 1970, rounded down.
    pub(super) fn months(self) -> Result<i128, TimeError> {
        let day = i64::try_from(self.secs.div_euclid(DAY)).map_err(|_| TimeError::Overflow)?;
        calendar::month_of_day(day).map(i128::from).ok_or(TimeError::Overflow)
    }

    pub(super) fn of_system_time(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Self { secs: i128::from(after.as_secs()), nanos: after.subsec_nanos() },
            Err(error) => {
                let before = error.duration();
                let secs = -i128::from(before.as_secs());
                match before.subsec_nanos() {
                    0 => Self { secs, nanos: 0 },
                    #[allow(clippy::cast_possible_truncation, reason = "a small constant")]
                    nanos => Self { secs: secs - 1, nanos: NANOS as u32 - nanos },
                }
            }
        }
    }

    /// `None` beyond the platform's times.
    pub(super) fn to_system_time(self) -> Option<SystemTime> {
        match u64::try_from(self.secs) {
            Ok(secs) => SystemTime::UNIX_EPOCH.checked_add(Duration::new(secs, self.nanos)),
            Err(_) => {
                let whole = SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(u64::try_from(-self.secs).ok()?))?;
                whole.checked_add(Duration::new(0, self.nanos))
            }
        }
    }

    /// The span since 1970; `None` below zero and beyond what a span can be.
    pub(super) fn to_duration(self) -> Option<Duration> {
        u64::try_from(self.secs).ok().map(|secs| Duration::new(secs, self.nanos))
    }
}
