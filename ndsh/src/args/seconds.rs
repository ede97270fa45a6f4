//! Times and rates on the command line.

use std::time::Duration;

/// Longest time to measure a rate.
const LONGEST: Duration = Duration::from_secs(3600);
/// Shortest time between two lines of figures.
const SHORTEST: Duration = Duration::from_millis(10);

/// Parses seconds: `1.5`, `1.5s`, `200ms`.
pub(crate) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let (number, scale) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1e-3),
        (None, Some(number)) => (number, 1.0),
        (None, None) => (text, 1.0),
    };
    let number: f64 = number.trim_end().parse().map_err(|_| "not a number of seconds, such as 1.5, 1.5s or 200ms")?;
    Duration::try_from_secs_f64(number * scale).map_err(|error| error.to_string())
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
        assert_eq!(parse_seconds("200ms"), Ok(Duration::from_millis(200)));
        for bad in ["", "x", "-1", "nan", "1e40", "s", "ms", "2ss", "1m", "inf"] {
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
