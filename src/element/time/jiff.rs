//! Conversions to and from the crate `jiff`.

use super::instant::{Instant, TimeError};
use super::unit::TimeUnit;
use super::{DateTime64, TimeDelta64};
use ::jiff::{SignedDuration, Timestamp};

impl DateTime64 {
    /// The point in time as [`jiff::Timestamp`](::jiff::Timestamp), of a number in `unit`.
    ///
    /// # Errors
    ///
    /// As [`to_system_time`](Self::to_system_time).
    pub fn to_jiff(self, unit: TimeUnit) -> Result<Timestamp, TimeError> {
        let (secs, nanos) = self.instant(unit)?.parts()?;
        let nanos = i32::try_from(nanos).map_err(|_| TimeError::Overflow)?;
        Timestamp::new(secs, nanos).map_err(|_| TimeError::Overflow)
    }

    /// The number in `unit` of a [`jiff::Timestamp`](::jiff::Timestamp).
    ///
    /// # Errors
    ///
    /// As [`from_system_time`](Self::from_system_time).
    pub fn from_jiff(time: Timestamp, unit: TimeUnit) -> Result<Self, TimeError> {
        Self::from_instant(instant(time.as_second(), time.subsec_nanosecond()), unit)
    }
}

impl TimeDelta64 {
    /// The span as [`jiff::SignedDuration`](::jiff::SignedDuration), of a number in `unit`.
    ///
    /// # Errors
    ///
    /// As [`to_duration`](Self::to_duration), but a span may be below zero.
    pub fn to_jiff(self, unit: TimeUnit) -> Result<SignedDuration, TimeError> {
        let (secs, nanos) = self.instant(unit)?.parts()?;
        let below = SignedDuration::from_nanos(i64::from(nanos));
        SignedDuration::from_secs(secs).checked_add(below).ok_or(TimeError::Overflow)
    }

    /// The number in `unit` of a [`jiff::SignedDuration`](::jiff::SignedDuration).
    ///
    /// # Errors
    ///
    /// As [`from_duration`](Self::from_duration).
    pub fn from_jiff(span: SignedDuration, unit: TimeUnit) -> Result<Self, TimeError> {
        Self::from_instant(instant(span.as_secs(), span.subsec_nanos()), unit)
    }
}

/// The two parts have one sign in `jiff`.
fn instant(secs: i64, nanos: i32) -> Instant {
    match u32::try_from(nanos) {
        Ok(nanos) => Instant::new(i128::from(secs), nanos),
        Err(_) => Instant::new(i128::from(secs) - 1, 1_000_000_000_u32.saturating_add_signed(nanos)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back() {
        for number in [0, 1, -1, 1_500_000_000_123_456_789, -1_500_000_000_123_456_789] {
            let time = DateTime64(number).to_jiff(TimeUnit::NANOSECOND).unwrap();
            assert_eq!(i64::try_from(time.as_nanosecond()), Ok(number));
            assert_eq!(DateTime64::from_jiff(time, TimeUnit::NANOSECOND), Ok(DateTime64(number)));
            let span = TimeDelta64(number).to_jiff(TimeUnit::NANOSECOND).unwrap();
            assert_eq!(i64::try_from(span.as_nanos()), Ok(number));
            assert_eq!(TimeDelta64::from_jiff(span, TimeUnit::NANOSECOND), Ok(TimeDelta64(number)));
        }
        assert_eq!(DateTime64(i64::MAX).to_jiff(TimeUnit::SECOND), Err(TimeError::Overflow));
        assert_eq!(DateTime64::NAT.to_jiff(TimeUnit::SECOND), Err(TimeError::NotATime));
    }
}
