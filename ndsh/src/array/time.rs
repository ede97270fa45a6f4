//! Points in time as text, as ISO 8601 has them and NumPy prints them.

use ndsharray::TimeUnit;

/// What is no point in time.
pub(super) const NAT: &str = "NaT";

/// Writes the point in time that is `count` units after 1970 began, as exactly as the unit is.
pub(super) fn date(count: i64, unit: TimeUnit) -> String {
    if count == i64::MIN {
        return NAT.to_owned();
    }
    // Far from overflow: the multiplier has 24 bits, and a week seven days.
    let count = i128::from(count) * i128::from(unit.multiplier());
    let in_days = |days: i128| {
        let (year, month, day) = civil(days);
        format!("{}-{month:02}-{day:02}", self::year(year))
    };
    let (parts_per_second, digits) = match unit.base() {
        TimeUnit::YEAR => return year(1970 + count),
        TimeUnit::MONTH => return format!("{}-{:02}", year(1970 + count.div_euclid(12)), count.rem_euclid(12) + 1),
        TimeUnit::WEEK => return in_days(count * 7),
        TimeUnit::DAY => return in_days(count),
        TimeUnit::HOUR => return format!("{}T{:02}", in_days(count.div_euclid(24)), count.rem_euclid(24)),
        TimeUnit::MINUTE => {
            let minutes = count.rem_euclid(1440);
            return format!("{}T{:02}:{:02}", in_days(count.div_euclid(1440)), minutes / 60, minutes % 60);
        }
        TimeUnit::SECOND => (1, 0),
        TimeUnit::MILLISECOND => (1_000, 3),
        TimeUnit::MICROSECOND => (1_000_000, 6),
        TimeUnit::NANOSECOND => (1_000_000_000, 9),
        TimeUnit::PICOSECOND => (1_000_000_000_000, 12),
        TimeUnit::FEMTOSECOND => (1_000_000_000_000_000, 15),
        TimeUnit::ATTOSECOND => (1_000_000_000_000_000_000_i128, 18),
        // Generic: a count of nothing in particular.
        _ => return count.to_string(),
    };
    let (seconds, part) = (count.div_euclid(parts_per_second), count.rem_euclid(parts_per_second));
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let time = format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60);
    let fraction = if digits == 0 { String::new() } else { format!(".{part:0digits$}") };
    format!("{}T{time}{fraction}", in_days(days))
}

/// Writes a year in four digits or more.
fn year(year: i128) -> String {
    if year < 0 { format!("-{:04}", -year) } else { format!("{year:04}") }
}

/// Returns year, month and day, so many days after 1970 began, in the calendar of today.
fn civil(days: i128) -> (i128, i128, i128) {
    // Years are taken to begin in March, and counted in cycles of 400 from the year 0.
    let days = days + 719_468;
    let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (cycle * 400 + year + i128::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What NumPy 2.4 prints.
    #[test]
    fn dates_are_numpys() {
        let shown = |count, unit: &str| date(count, unit.parse().unwrap());
        for (count, unit, expected) in [
            (0, "ns", "1970-01-01T00:00:00.000000000"),
            (-1, "ns", "1969-12-31T23:59:59.999999999"),
            (i64::MAX, "ns", "2262-04-11T23:47:16.854775807"),
            (1_000_000_007, "s", "2001-09-09T01:46:47"),
            (951_782_400, "s", "2000-02-29T00:00:00"),
            (-2_203_977_600, "s", "1900-02-28T00:00:00"),
            (5, "25s", "1970-01-01T00:02:05"),
            (31, "Y", "2001"),
            (-1971, "Y", "-0001"),
            (-1, "M", "1969-12"),
            (1, "W", "1970-01-08"),
            (11_016, "D", "2000-02-29"),
            (-719_528, "D", "0000-01-01"),
            (-1, "h", "1969-12-31T23"),
            (61, "m", "1970-01-01T01:01"),
            (1, "as", "1970-01-01T00:00:00.000000000000000001"),
            (i64::MIN, "D", "NaT"),
            (7, "generic", "7"),
        ] {
            assert_eq!(shown(count, unit), expected, "{count} {unit}");
        }
        for unit in ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "16777215Y", "16777215W"] {
            assert!(!shown(i64::MAX, unit).is_empty() && !shown(i64::MIN + 1, unit).is_empty());
        }
    }
}
