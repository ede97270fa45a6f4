//! Medians and spreads: the only statistics that survive a shared machine.

use std::fmt;

/// The middle of some samples, and how far they reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Sums up `samples`; all of it is NaN when there are none.
    pub(crate) fn of(samples: &[f64]) -> Self {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = match (sorted.get((sorted.len().max(1) - 1) / 2), sorted.get(sorted.len() / 2)) {
            (Some(low), Some(high)) => (low + high) / 2.0,
            _ => f64::NAN,
        };
        Self {
            median: middle,
            min: sorted.first().copied().unwrap_or(f64::NAN),
            max: sorted.last().copied().unwrap_or(f64::NAN),
        }
    }

    /// The spread of `numerator / denominator`, taken round by round, so that whatever slowed a
    /// whole round down cancels out.
    pub(crate) fn of_ratios(numerator: &[f64], denominator: &[f64]) -> Self {
        let ratios: Vec<f64> = numerator.iter().zip(denominator).map(|(n, d)| n / d).collect();
        Self::of(&ratios)
    }
}

/// The value below which a share of `permille` thousandths of the sorted samples lie.
pub(crate) fn permille(sorted: &[f64], permille: usize) -> f64 {
    let rank = (sorted.len() * permille).div_ceil(1000).max(1) - 1;
    sorted.get(rank).copied().unwrap_or(f64::NAN)
}

/// Three significant digits, because no figure here deserves more.
pub(crate) struct Short(pub(crate) f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match self.0.abs() {
            x if x.is_nan() => return f.write_str("–"),
            x if x < 9.995 => 2,
            x if x < 99.95 => 1,
            _ => 0,
        };
        write!(f, "{:.digits$}", self.0)
    }
}

/// A duration given in nanoseconds, in the unit a reader would choose.
pub(crate) struct Nanos(pub(crate) f64);

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            x if x < 1e3 => write!(f, "{} ns", Short(x)),
            x if x < 1e6 => write!(f, "{} µs", Short(x / 1e3)),
            x => write!(f, "{} ms", Short(x / 1e6)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]).median, 2.0);
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]).median, 2.5);
        assert_eq!(Spread::of(&[7.0]).max, 7.0);
        assert!(Spread::of(&[]).median.is_nan());
    }

    #[test]
    fn percentiles_are_samples() {
        let samples: Vec<f64> = (1..=1000).map(f64::from).collect();
        assert_eq!((permille(&samples, 500), permille(&samples, 990), permille(&samples, 999)), (500.0, 990.0, 999.0));
        assert_eq!(permille(&samples[..3], 999), 3.0);
        assert!(permille(&[], 500).is_nan());
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // The second round ran at half speed for both: the ratio does not notice.
        let ratio = Spread::of_ratios(&[2.0, 4.0], &[1.0, 2.0]);
        assert_eq!((ratio.min, ratio.max), (2.0, 2.0));
    }

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(Short(1.2345).to_string(), "1.23");
        assert_eq!(Short(12.345).to_string(), "12.3");
        assert_eq!(Short(12345.6).to_string(), "12346");
        assert_eq!(Nanos(62_100.0).to_string(), "62.1 µs");
    }
}
