//! Months and days of the Gregorian calendar, counted from 1970.

/// Days in a span of 400 years, after which the calendar repeats.
const CYCLE_DAYS: i64 = 146_097;
/// Months in that span.
const CYCLE_MONTHS: i64 = 4800;

/// Days before each month of a year that begins in March, so that a leap day comes last.
const BEFORE: [i64; 12] = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337];

/// Months and days from March of the year 0 to January 1970.
const EPOCH_MONTHS: i64 = 1969 * 12 + 10;
const EPOCH_DAYS: i64 = 719_468;

/// Days before a month's first, from March of the year 0 on; `month` is below [`CYCLE_MONTHS`].
fn days_within(month: i64) -> i64 {
    let (year, month) = (month / 12, month % 12);
    let before = usize::try_from(month).ok().and_then(|month| BEFORE.get(month)).copied().unwrap_or(0);
    year * 365 + year / 4 - year / 100 + before
}

/// Days from 1970-01-01 to the first of a month, counted from January 1970.
///
/// `None` beyond what 64 bits hold.
pub(super) fn days_of_month(month: i128) -> Option<i64> {
    let month = i64::try_from(month).ok()?.checked_add(EPOCH_MONTHS)?;
    let (cycle, month) = (month.div_euclid(CYCLE_MONTHS), month.rem_euclid(CYCLE_MONTHS));
    cycle.checked_mul(CYCLE_DAYS)?.checked_add(days_within(month))?.checked_sub(EPOCH_DAYS)
}

/// The month that a day is in; both are counted from January 1970.
pub(super) fn month_of_day(day: i64) -> Option<i64> {
    let day = day.checked_add(EPOCH_DAYS)?;
    let (cycle, day) = (day.div_euclid(CYCLE_DAYS), day.rem_euclid(CYCLE_DAYS));
    // The last month that does not begin after the day: 13 halvings.
    let (mut low, mut high) = (0, CYCLE_MONTHS);
    while high - low > 1 {
        let middle = i64::midpoint(low, high);
        if days_within(middle) <= day { low = middle } else { high = middle }
    }
    (cycle * CYCLE_MONTHS + low).checked_sub(EPOCH_MONTHS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_days() {
        assert_eq!(days_of_month(0), Some(0));
        assert_eq!(days_of_month(1), Some(31));
        assert_eq!(days_of_month(2), Some(59));
        assert_eq!(days_of_month(12 * 2 + 2), Some(365 * 2 + 60), "1972 has a leap day");
        assert_eq!(days_of_month(12 * 30), Some(10_957), "2000-01-01");
        assert_eq!(days_of_month(12 * 30 + 2), Some(11_017), "2000 has a leap day");
        assert_eq!(days_of_month(12 * -70 + 2), Some(-25_508), "1900 has none");
        assert_eq!(days_of_month(i128::MAX), None);
        assert_eq!((month_of_day(-1), month_of_day(30), month_of_day(31)), (Some(-1), Some(0), Some(1)));
    }

    /// Day by day over 800 years, with a calendar that counts on its fingers.
    #[test]
    fn months_are_as_long_as_they_are() {
        let mut day = days_of_month(-4800).unwrap();
        for month in -4800_i64..4800 {
            assert_eq!(days_of_month(i128::from(month)), Some(day));
            let (year, of_year) = (1970 + month.div_euclid(12), month.rem_euclid(12));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let days = match of_year {
                1 => {
                    if leap {
                        29
                    } else {
                        28
                    }
                }
                3 | 5 | 8 | 10 => 30,
                _ => 31,
            };
            assert_eq!((month_of_day(day), month_of_day(day + days - 1)), (Some(month), Some(month)));
            day += days;
        }
    }

    proptest! {
        #[test]
        fn any_day_has_an_answer(day: i64, month: i128) {
            let _ = (month_of_day(day), days_of_month(month));
        }
    }
}
