//! Times and rates on the command line.

use std::time::Duration;

/// Seconds, with decimals if need be.
pub(crate) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.trim_end_matches('s').parse().map_err(|_| "not a number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// A number above zero.
pub(crate) fn parse_positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err("not a number above zero".to_owned()),
    }
}

/// When the next value is due: counted from the start, so that being late once does not make all others late.
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
        for bad in ["", "x", "-1", "nan", "1e40"] {
            assert!(parse_seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_are_above_zero() {
        assert_eq!(parse_positive("0.5"), Ok(0.5));
        for bad in ["0", "-1", "inf", "nan", ""] {
            assert!(parse_positive(bad).is_err(), "{bad}");
        }
    }
}
