//! What an array's values are like: extremes, mean, and how they are spread.

use super::ArrayRef;
use super::numbers::{self, Part};
use serde::Serialize;

/// Factor for sums, so that any number of finite numbers has a finite sum.
///
/// A power of two, so scaling does not round.
const SCALE: f64 = 1.0 / (1_u64 << 63) as f64;

/// Figures over all elements; complex numbers count by their absolute values.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Statistics {
    /// Number of elements.
    pub(crate) count: u64,
    /// Elements that are NaN; the figures below leave them out.
    pub(crate) nan: u64,
    /// Infinite elements; the figures below leave them out too.
    pub(crate) infinite: u64,
    /// The smallest finite number; `None` if there is none, as for `max` and `mean`.
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) mean: Option<f64>,
    /// The standard deviation: the root of the mean square distance from `mean`.
    pub(crate) std: Option<f64>,
    /// Counts of finite numbers in equal parts of the range from `min` to `max`.
    pub(crate) histogram: Vec<u64>,
}

impl Statistics {
    /// Computes the figures of an array, in two passes over its elements.
    ///
    /// The histogram has `bins` parts, or none if there are no finite numbers.
    pub(crate) fn of(array: ArrayRef<'_>, bins: usize) -> Self {
        let mut statistics = Self::default();
        let (mut min, mut max, mut sum) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
        numbers::for_each(array.dtype(), array.bytes, Part::Abs, |number| {
            statistics.count += 1;
            if number.is_finite() {
                min = min.min(number);
                max = max.max(number);
                sum += number * SCALE;
            } else if number.is_nan() {
                statistics.nan += 1;
            } else {
                statistics.infinite += 1;
            }
        });
        let finite = statistics.count - statistics.nan - statistics.infinite;
        if finite > 0 {
            statistics.min = Some(min);
            statistics.max = Some(max);
            // Rounding must not carry the mean out of the range.
            let mean = (sum / finite as f64 / SCALE).clamp(min, max);
            let (histogram, std) = spread(array, [min, mean, max], finite, bins);
            (statistics.mean, statistics.std, statistics.histogram) = (Some(mean), Some(std), histogram);
        }
        statistics
    }
}

/// Computes the histogram and the standard deviation of the `finite` numbers.
fn spread(array: ArrayRef<'_>, [min, mean, max]: [f64; 3], finite: u64, bins: usize) -> (Vec<u64>, f64) {
    let (mut counts, mut squares) = (vec![0; bins], 0.0);
    // Halves, so that the width of the widest range is a number too.
    let width = max / 2.0 - min / 2.0;
    let scale = if width > 0.0 { bins as f64 / width } else { 0.0 };
    numbers::for_each(array.dtype(), array.bytes, Part::Abs, |number| {
        if number.is_finite() {
            if width > 0.0 {
                // From -1 to 1, so that no square is beyond all numbers.
                squares += ((number / 2.0 - mean / 2.0) / width).powi(2);
            }
            let place = (number / 2.0 - min / 2.0) * scale;
            // The casts stop at both ends, and the largest number belongs to the last part.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to bins")]
            let bin = (place as usize).min(bins.saturating_sub(1));
            if let Some(count) = counts.get_mut(bin) {
                *count += 1;
            }
        }
    });
    (counts, (squares / finite as f64).sqrt() * 2.0 * width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndsharray::DType;
    use proptest::prelude::*;

    fn of(numbers: &[f64], bins: usize) -> Statistics {
        let bytes = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect::<Vec<_>>();
        Statistics::of(ArrayRef::new(DType::F64, &[numbers.len()], &bytes), bins)
    }

    #[test]
    fn figures() {
        let statistics = of(&[0.0, 1.0, 2.0, 3.0, 4.0, f64::NAN, f64::INFINITY], 2);
        assert_eq!((statistics.count, statistics.nan, statistics.infinite), (7, 1, 1));
        assert_eq!((statistics.min, statistics.max, statistics.mean), (Some(0.0), Some(4.0), Some(2.0)));
        assert_eq!((statistics.std, statistics.histogram), (Some(2_f64.sqrt()), vec![2, 3]));
    }

    #[test]
    fn nothing_to_count() {
        for numbers in [&[][..], &[f64::NAN, f64::NEG_INFINITY]] {
            let statistics = of(numbers, 4);
            assert_eq!((statistics.min, statistics.max, statistics.mean), (None, None, None));
            assert_eq!((statistics.count, statistics.histogram.len()), (numbers.len() as u64, 0));
        }
    }

    #[test]
    fn all_alike() {
        let statistics = of(&[0.1; 1000], 8);
        assert_eq!((statistics.min, statistics.max, statistics.mean), (Some(0.1), Some(0.1), Some(0.1)));
        assert_eq!(statistics.std, Some(0.0));
        assert_eq!(statistics.histogram, [1000, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn the_largest_numbers_have_a_mean() {
        let statistics = of(&[f64::MAX, f64::MAX, -f64::MAX, -f64::MAX, f64::MAX], 2);
        assert!((statistics.mean.unwrap() / (f64::MAX / 5.0) - 1.0).abs() < 1e-12);
        assert!((statistics.std.unwrap() / f64::MAX - 0.96_f64.sqrt()).abs() < 1e-12);
        assert_eq!(statistics.histogram, [2, 3]);
    }

    proptest! {
        #[test]
        fn each_number_is_counted_once(numbers in prop::collection::vec(any::<f64>(), 0..50), bins in 1_usize..20) {
            let statistics = of(&numbers, bins);
            let finite = numbers.iter().filter(|number| number.is_finite()).count() as u64;
            prop_assert_eq!(statistics.histogram.iter().sum::<u64>(), finite);
            if let (Some(min), Some(mean), Some(max)) = (statistics.min, statistics.mean, statistics.max) {
                prop_assert!(min <= mean && mean <= max);
            }
        }
    }
}
