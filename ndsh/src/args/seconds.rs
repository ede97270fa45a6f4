//! Times and rates on the command line.

use std::time::Duration;

/// Longest time to measure a rate.
const LONGEST: Duration = Duration::from_secs(3600);
/// Shortest time between two lines of figures.
const SHORTEST: Duration = Duration::from_millis(10);

/// Parses a time: seconds, as `1.5`, or numbers with units, as `200ms`, `1.5s` or `1h 30m`.
pub(crate) fn parse_seconds(text: &str) -> Result<Duration, String> {
    match text.trim_end().parse() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string()),
        Err(_) => {
            humantime::parse_duration(text).map_err(|error| format!("no time, such as 1.5, 200ms or 1h 30m ({error})"))
        }
    }
}

/// Parses the time to measure a rate; 0 is no measurement.
pub(crate) fn parse_look(text: &str) -> Result<Duration, String> {
    parse_seconds(text)
        .and_then(|time| if time <= LONGEST { Ok(time) } else { Err("0 to 3600 seconds are possible".to_owned()) })
}

/// Parses the time between two lines of figures.
pub(crate) fn parse_interval(text: &str) -> Result<Duration, String> {
    parse_look(text)
        .and_then(|time| if time >= SHORTEST { Ok(time) } else { Err("0.01 to 3600 seconds are possible".to_owned()) })
}

/// Parses a number above zero.
pub(crate) fn parse_positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err("not a number above zero".to_owned()),
    }
}

/// Returns when a value is due, in time since the start.
///
/// All times count from the start, so one late value does not delay the others.
pub(crate) fn due(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds() {
        assert_eq!(parse_seconds("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_seconds("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(parse_seconds("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_seconds("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(parse_seconds("1h 30m"), Ok(Duration::from_secs(5400)));
        for bad in ["", "x", "-1", "nan", "1e40", "s", "ms", "2ss", "-1s", "inf", "1e3s"] {
            assert!(parse_seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn intervals_have_ends() {
        assert_eq!(parse_look("0"), Ok(Duration::ZERO));
        assert_eq!(parse_interval("0.5"), Ok(Duration::from_millis(500)));
        assert!(parse_interval("0").is_err() && parse_interval("-1").is_err() && parse_interval("3601").is_err());
        assert!(parse_look("3601").is_err());
    }

    #[test]
    fn rates_are_above_zero() {
        assert_eq!(parse_positive("0.5"), Ok(0.5));
        for bad in ["0", "-1", "inf", "nan", ""] {
            assert!(parse_positive(bad).is_err(), "{bad}");
        }
    }
}
