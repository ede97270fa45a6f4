//! Points in time and spans of it, counted in a unit that belongs to their array.

mod calendar;
#[cfg(feature = "chrono")]
mod chrono;
pub(crate) mod instant;
#[cfg(feature = "jiff")]
mod jiff;
pub(crate) mod unit;

use core::fmt;
use instant::{Instant, TimeError};
use std::time::{Duration, SystemTime};
use unit::TimeUnit;

/// What the two types have alike.
macro_rules! define_time {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(pub i64);

        // SAFETY: `repr(transparent)` around an `i64`, for which all bytes zero are a value.
        unsafe impl bytemuck::Zeroable for $name {}
        // SAFETY: `repr(transparent)` around an `i64`: any bytes are a value, there is no padding,
        // no pointer and no interior mutability. It is `Copy` and `'static`.
        unsafe impl bytemuck::Pod for $name {}

        impl $name {
            /// Not a time: NumPy's NaT, the smallest `i64`.
            pub const NAT: Self = Self(i64::MIN);

            /// Whether it is [`NAT`](Self::NAT).
            #[must_use]
            pub const fn is_nat(self) -> bool {
                self.0 == i64::MIN
            }
        }

        /// Shows the number, or `NaT`.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if self.is_nat() { f.write_str("NaT") } else { self.0.fmt(f) }
            }
        }
    };
}

define_time! {
    /// NumPy's `datetime64`: so many units since 1970-01-01T00:00:00 UTC.
    ///
    /// The unit belongs to the array: [`ElementType::unit`](crate::ElementType::unit) says it, and
    /// [`Writer::set_unit`](crate::Writer::set_unit) sets it. As in NumPy no leap seconds count,
    /// and the calendar is the Gregorian one, also before it was made.
    ///
    /// Equality and order are those of the numbers: NaT equals itself, and stands before all
    /// others.
    ///
    /// ```
    /// use ndsharray::{DateTime64, TimeUnit};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1500);
    /// let millis = DateTime64::from_system_time(time, TimeUnit::MILLISECOND)?;
    /// assert_eq!(millis, DateTime64(1500));
    /// assert_eq!(millis.to_system_time(TimeUnit::MILLISECOND)?, time);
    /// assert!(DateTime64::NAT.to_system_time(TimeUnit::SECOND).is_err());
    /// # Ok::<(), ndsharray::TimeError>(())
    /// ```
    DateTime64
}

define_time! {
    /// NumPy's `timedelta64`: so many units, of either sign.
    ///
    /// The unit belongs to the array, as with [`DateTime64`].
    ///
    /// ```
    /// use ndsharray::{TimeDelta64, TimeUnit};
    /// use std::time::Duration;
    ///
    /// let span = TimeDelta64::from_duration(Duration::from_micros(2500), TimeUnit::MICROSECOND)?;
    /// assert_eq!(span, TimeDelta64(2500));
    /// assert_eq!(span.to_duration(TimeUnit::MICROSECOND)?, Duration::from_micros(2500));
    /// # Ok::<(), ndsharray::TimeError>(())
    /// ```
    TimeDelta64
}

impl DateTime64 {
    /// The point in time, of a number in `unit`.
    ///
    /// What a unit has below a nanosecond is cut off, towards the past.
    ///
    /// # Errors
    ///
    /// [`TimeError::NotATime`] for NaT; [`TimeError::NoLength`] for the generic unit;
    /// [`TimeError::Overflow`] when a [`SystemTime`] of this platform does not reach so far.
    pub fn to_system_time(self, unit: TimeUnit) -> Result<SystemTime, TimeError> {
        let instant = self.instant(unit)?;
        instant.to_system_time().ok_or(TimeError::Overflow)
    }

    /// The number in `unit` of a point in time.
    ///
    /// What is left of a whole unit is cut off, towards the past, as NumPy does.
    ///
    /// # Errors
    ///
    /// [`TimeError::NoLength`] for the generic unit; [`TimeError::Overflow`] when the number does
    /// not fit 64 bits.
    pub fn from_system_time(time: SystemTime, unit: TimeUnit) -> Result<Self, TimeError> {
        Self::from_instant(Instant::of_system_time(time), unit)
    }

    pub(super) fn instant(self, unit: TimeUnit) -> Result<Instant, TimeError> {
        if self.is_nat() {
            return Err(TimeError::NotATime);
        }
        match unit.months() {
            Some(months) => Instant::of_months(i128::from(self.0) * i128::from(months)),
            None => Instant::of_ticks(self.0, unit),
        }
    }

    pub(super) fn from_instant(instant: Instant, unit: TimeUnit) -> Result<Self, TimeError> {
        let number = match unit.months() {
            Some(months) => instant.months()?.div_euclid(i128::from(months)),
            None => instant.ticks(unit)?,
        };
        in_range(number).map(Self)
    }
}

impl TimeDelta64 {
    /// The span, of a number in `unit`.
    ///
    /// What a unit has below a nanosecond is cut off.
    ///
    /// # Errors
    ///
    /// [`TimeError::NotATime`] for NaT; [`TimeError::Negative`] below zero;
    /// [`TimeError::NoLength`] for the generic unit, years and months; [`TimeError::Overflow`] when
    /// a [`Duration`] does not reach so far.
    pub fn to_duration(self, unit: TimeUnit) -> Result<Duration, TimeError> {
        let instant = self.instant(unit)?;
        if self.0 < 0 {
            return Err(TimeError::Negative);
        }
        instant.to_duration().ok_or(TimeError::Overflow)
    }

    /// The number in `unit` of a span; what is left of a whole unit is cut off.
    ///
    /// # Errors
    ///
    /// [`TimeError::NoLength`] for the generic unit, years and months; [`TimeError::Overflow`] when
    /// the number does not fit 64 bits.
    pub fn from_duration(span: Duration, unit: TimeUnit) -> Result<Self, TimeError> {
        Self::from_instant(Instant::new(i128::from(span.as_secs()), span.subsec_nanos()), unit)
    }

    /// The span as one after 1970.
    pub(super) fn instant(self, unit: TimeUnit) -> Result<Instant, TimeError> {
        if self.is_nat() {
            return Err(TimeError::NotATime);
        }
        Instant::of_ticks(self.0, unit)
    }

    pub(super) fn from_instant(instant: Instant, unit: TimeUnit) -> Result<Self, TimeError> {
        in_range(instant.ticks(unit)?).map(Self)
    }
}

/// The number, if it fits and is not NaT's.
fn in_range(number: i128) -> Result<i64, TimeError> {
    i64::try_from(number).ok().filter(|&number| number != i64::MIN).ok_or(TimeError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unit(text: &str) -> TimeUnit {
        text.parse().unwrap()
    }

    fn seconds(number: i64, text: &str) -> Result<i64, TimeError> {
        let time = DateTime64(number).to_system_time(unit(text))?;
        Ok(match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap(),
            Err(before) => -i64::try_from(before.duration().as_secs()).unwrap(),
        })
    }

    /// As `numpy.datetime64(number, unit).astype("M8[s]")` has them.
    #[test]
    fn numpy_has_the_same_seconds() {
        assert_eq!(seconds(30, "Y"), Ok(946_684_800));
        assert_eq!(seconds(-1, "Y"), Ok(-31_536_000));
        assert_eq!(seconds(361, "M"), Ok(949_363_200));
        assert_eq!(seconds(7, "4M"), Ok(73_526_400));
        assert_eq!(seconds(2, "W"), Ok(1_209_600));
        assert_eq!(seconds(-2, "D"), Ok(-172_800));
        assert_eq!(seconds(5, "7h"), Ok(126_000));
        assert_eq!(seconds(3, "m"), Ok(180));
        assert_eq!(seconds(1_700_000_000_123, "ms"), Ok(1_700_000_000));
        assert_eq!(seconds(9_000_000_000_000_000_000, "as"), Ok(9));
        assert_eq!(seconds(1, "generic"), Err(TimeError::NoLength));
    }

    #[test]
    fn nat_and_the_ends_are_errors() {
        assert!(DateTime64::NAT.is_nat() && TimeDelta64::NAT.is_nat());
        assert_eq!(DateTime64::NAT.to_system_time(TimeUnit::SECOND), Err(TimeError::NotATime));
        assert_eq!(TimeDelta64::NAT.to_duration(TimeUnit::SECOND), Err(TimeError::NotATime));
        assert_eq!(TimeDelta64(-1).to_duration(TimeUnit::SECOND), Err(TimeError::Negative));
        assert_eq!(TimeDelta64(1).to_duration(TimeUnit::MONTH), Err(TimeError::NoLength));
        for most in ["16777215Y", "16777215M", "16777215W"].map(unit) {
            for number in [i64::MAX, i64::MIN + 1] {
                assert_eq!(DateTime64(number).to_system_time(most), Err(TimeError::Overflow));
            }
        }
        assert_eq!(TimeDelta64(i64::MAX).to_duration(unit("16777215W")), Err(TimeError::Overflow));
        assert_eq!(TimeDelta64::from_duration(Duration::MAX, TimeUnit::NANOSECOND), Err(TimeError::Overflow));
        // One more than the largest number is NaT's, and no time.
        let most = Duration::from_nanos(i64::MAX.unsigned_abs());
        assert_eq!(TimeDelta64::from_duration(most, TimeUnit::NANOSECOND), Ok(TimeDelta64(i64::MAX)));
        let more = most + Duration::from_nanos(1);
        assert_eq!(TimeDelta64::from_duration(more, TimeUnit::NANOSECOND), Err(TimeError::Overflow));
        assert_eq!(DateTime64::from_instant(Instant::new(0, 0), TimeUnit::GENERIC), Err(TimeError::NoLength));
    }

    #[test]
    fn units_cut_towards_the_past() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_millis(1);
        for (text, number) in
            [("s", -1), ("ms", -1), ("us", -1000), ("h", -1), ("D", -1), ("W", -1), ("M", -1), ("Y", -1)]
        {
            assert_eq!(DateTime64::from_system_time(before, unit(text)), Ok(DateTime64(number)), "{text}");
        }
        assert_eq!(format!("{:?} {:?}", DateTime64(-5), TimeDelta64::NAT), "-5 NaT");
    }

    proptest! {
        #[test]
        fn nanoseconds_come_back(number in -4_000_000_000_000_000_000_i64..4_000_000_000_000_000_000) {
            // Windows' clock counts by 100 ns.
            let number = number / 100 * 100;
            let time = DateTime64(number).to_system_time(TimeUnit::NANOSECOND).unwrap();
            prop_assert_eq!(DateTime64::from_system_time(time, TimeUnit::NANOSECOND), Ok(DateTime64(number)));
        }

        #[test]
        fn any_number_and_unit_have_an_answer(number: i64, code in 0_u32..16, multiplier in 0_u32..1 << 24, secs: u64, nanos in 0_u32..1_000_000_000) {
            if let Some(unit) = TimeUnit::from_parameter(code | multiplier << 8) {
                let _ = DateTime64(number).to_system_time(unit);
                let _ = TimeDelta64(number).to_duration(unit);
                let span = Duration::new(secs, nanos);
                if let Ok(delta) = TimeDelta64::from_duration(span, unit) {
                    prop_assert!(delta.to_duration(unit).unwrap() <= span);
                }
                if let Some(time) = SystemTime::UNIX_EPOCH.checked_add(span)
                    && let Ok(point) = DateTime64::from_system_time(time, unit)
                    && let Ok(again) = point.to_system_time(unit)
                {
                    prop_assert!(again <= time);
                }
            }
        }
    }
}
