//! What an array's values are like: extremes, mean, and how they are spread.

use crate::array::ArrayRef;
use crate::numbers::{self, Part};
use serde::Serialize;

/// Sums are kept this much smaller, exactly, since it is a power of two: so they stay finite however many and large the numbers are.
const SCALE: f64 = 1.0 / (1_u64 << 63) as f64;

/// Figures over all elements; complex numbers count by their absolute values.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// Elements.
    pub(crate) count: u64,
    /// Elements that are not a number; the figures leave them out.
    pub(crate) nan: u64,
    /// Infinite elements; the figures leave them out too.
    pub(crate) infinite: u64,
    /// Of the finite numbers, as the others; `None` when there are none.
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) mean: Option<f64>,
    /// How many finite numbers lie in each part of the range from `min` to `max`; the parts are equal.
    pub(crate) histogram: Vec<u64>,
}

impl Summary {
    /// Looks at every element twice; the histogram has `bins` parts, or none when there is nothing to count.
    pub(crate) fn of(array: ArrayRef<'_>, bins: usize) -> Self {
        let mut summary = Self::default();
        let (mut min, mut max, mut sum) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
        numbers::for_each(array.dtype, array.bytes, Part::Abs, |number| {
            summary.count += 1;
            if number.is_finite() {
                min = min.min(number);
                max = max.max(number);
                sum += number * SCALE;
            } else if number.is_nan() {
                summary.nan += 1;
            } else {
                summary.infinite += 1;
            }
        });
        let finite = summary.count - summary.nan - summary.infinite;
        if finite > 0 {
            summary.min = Some(min);
            summary.max = Some(max);
            // Rounding must not carry the mean out of the range.
            summary.mean = Some((sum / finite as f64 / SCALE).clamp(min, max));
            summary.histogram = histogram(array, min, max, bins);
        }
        summary
    }
}

fn histogram(array: ArrayRef<'_>, min: f64, max: f64, bins: usize) -> Vec<u64> {
    let mut counts = vec![0; bins];
    // Halves, so that the width of the widest range is a number too.
    let width = max / 2.0 - min / 2.0;
    let scale = if width > 0.0 { bins as f64 / width } else { 0.0 };
    numbers::for_each(array.dtype, array.bytes, Part::Abs, |number| {
        if number.is_finite() {
            let place = (number / 2.0 - min / 2.0) * scale;
            // The casts stop at both ends, and the largest number belongs to the last part.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to bins")]
            let bin = (place as usize).min(bins.saturating_sub(1));
            if let Some(count) = counts.get_mut(bin) {
                *count += 1;
            }
        }
    });
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndsharray::DType;
    use proptest::prelude::*;

    fn of(numbers: &[f64], bins: usize) -> Summary {
        let bytes = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect::<Vec<_>>();
        Summary::of(ArrayRef { dtype: DType::F64, shape: &[numbers.len()], bytes: &bytes }, bins)
    }

    #[test]
    fn figures() {
        let summary = of(&[0.0, 1.0, 2.0, 3.0, 4.0, f64::NAN, f64::INFINITY], 2);
        assert_eq!((summary.count, summary.nan, summary.infinite), (7, 1, 1));
        assert_eq!((summary.min, summary.max, summary.mean), (Some(0.0), Some(4.0), Some(2.0)));
        assert_eq!(summary.histogram, [2, 3]);
    }

    #[test]
    fn nothing_to_count() {
        for numbers in [&[][..], &[f64::NAN, f64::NEG_INFINITY]] {
            let summary = of(numbers, 4);
            assert_eq!((summary.min, summary.max, summary.mean), (None, None, None));
            assert_eq!((summary.count, summary.histogram.len()), (numbers.len() as u64, 0));
        }
    }

    #[test]
    fn all_alike() {
        let summary = of(&[0.1; 1000], 8);
        assert_eq!((summary.min, summary.max, summary.mean), (Some(0.1), Some(0.1), Some(0.1)));
        assert_eq!(summary.histogram, [1000, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn the_largest_numbers_have_a_mean() {
        let summary = of(&[f64::MAX, f64::MAX, -f64::MAX, -f64::MAX, f64::MAX], 2);
        assert!((summary.mean.unwrap() / (f64::MAX / 5.0) - 1.0).abs() < 1e-12);
        assert_eq!(summary.histogram, [2, 3]);
    }

    proptest! {
        #[test]
        fn each_number_is_counted_once(numbers in prop::collection::vec(any::<f64>(), 0..50), bins in 1_usize..20) {
            let summary = of(&numbers, bins);
            let finite = numbers.iter().filter(|number| number.is_finite()).count() as u64;
            prop_assert_eq!(summary.histogram.iter().sum::<u64>(), finite);
            if let (Some(min), Some(mean), Some(max)) = (summary.min, summary.mean, summary.max) {
                prop_assert!(min <= mean && mean <= max);
            }
        }
    }
}
