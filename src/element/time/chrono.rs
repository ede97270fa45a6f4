//! Conversions to and from the crate `chrono`.

use super::instant::{Instant, TimeError};
use super::unit::TimeUnit;
use super::{DateTime64, TimeDelta64};
use ::chrono::{DateTime, TimeDelta, Utc};

impl DateTime64 {
    /// The point in time as [`chrono::DateTime`](::chrono::DateTime), of a number in `unit`.
    ///
    /// # Errors
    ///
    /// As [`to_system_time`](Self::to_system_time).
    pub fn to_chrono(self, unit: TimeUnit) -> Result<DateTime<Utc>, TimeError> {
        let (secs, nanos) = self.instant(unit)?.parts()?;
        DateTime::from_timestamp(secs, nanos).ok_or(TimeError::Overflow)
    }

    /// The number in `unit` of a [`chrono::DateTime`](::chrono::DateTime).
    ///
    /// A leap second counts as the second after it.
    ///
    /// # Errors
    ///
    /// As [`from_system_time`](Self::from_system_time).
    pub fn from_chrono(time: DateTime<Utc>, unit: TimeUnit) -> Result<Self, TimeError> {
        let nanos = time.timestamp_subsec_nanos();
        let secs = i128::from(time.timestamp()) + i128::from(nanos / 1_000_000_000);
        Self::from_instant(Instant::new(secs, nanos % 1_000_000_000), unit)
    }
}

impl TimeDelta64 {
    /// The span as [`chrono::TimeDelta`](::chrono::TimeDelta), of a number in `unit`.
    ///
    /// # Errors
    ///
    /// As [`to_duration`](Self::to_duration), but a span may be below zero.
    pub fn to_chrono(self, unit: TimeUnit) -> Result<TimeDelta, TimeError> {
        let (secs, nanos) = self.instant(unit)?.parts()?;
        TimeDelta::new(secs, nanos).ok_or(TimeError::Overflow)
    }

    /// The number in `unit` of a [`chrono::TimeDelta`](::chrono::TimeDelta).
    ///
    /// # Errors
    ///
    /// As [`from_duration`](Self::from_duration).
    pub fn from_chrono(span: TimeDelta, unit: TimeUnit) -> Result<Self, TimeError> {
        let (secs, nanos) = (i128::from(span.num_seconds()), span.subsec_nanos());
        let instant = match u32::try_from(nanos) {
            Ok(nanos) => Instant::new(secs, nanos),
            Err(_) => Instant::new(secs - 1, 1_000_000_000_u32.saturating_add_signed(nanos)),
        };
        Self::from_instant(instant, unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back() {
        for number in [0, 1, -1, 1_500_000_000_123_456_789, -1_500_000_000_123_456_789] {
            let time = DateTime64(number).to_chrono(TimeUnit::NANOSECOND).unwrap();
            assert_eq!(time.timestamp_nanos_opt(), Some(number));
            assert_eq!(DateTime64::from_chrono(time, TimeUnit::NANOSECOND), Ok(DateTime64(number)));
            let span = TimeDelta64(number).to_chrono(TimeUnit::NANOSECOND).unwrap();
            assert_eq!(span.num_nanoseconds(), Some(number));
            assert_eq!(TimeDelta64::from_chrono(span, TimeUnit::NANOSECOND), Ok(TimeDelta64(number)));
        }
        assert_eq!(DateTime64(i64::MAX).to_chrono(TimeUnit::SECOND), Err(TimeError::Overflow));
        assert_eq!(DateTime64::NAT.to_chrono(TimeUnit::SECOND), Err(TimeError::NotATime));
    }
}
