//! Quantiles of an array of any size, without a copy of it.

use super::ArrayRef;
use super::numbers::{self, Part};
use std::collections::BTreeMap;

/// Bits that one pass over the elements settles.
const STEP: u32 = 16;

/// Computes quantiles of the finite elements, as NumPy does: linear between two neighbours.
///
/// Each of `parts` is from 0 to 1. The result is empty if no element is finite. Complex numbers
/// count by their absolute values.
pub(crate) fn quantiles(array: ArrayRef<'_>, parts: &[f64]) -> Vec<f64> {
    let mut count = 0_u64;
    finite(array, |_| count += 1);
    let Some(last) = count.checked_sub(1) else { return Vec::new() };
    // The two neighbours of each quantile, as places in the sorted numbers.
    let places: Vec<(u64, f64)> = parts
        .iter()
        .map(|part| {
            let place = part.clamp(0.0, 1.0) * last as f64;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to last")]
            let low = (place.floor() as u64).min(last);
            (low, place - place.floor())
        })
        .collect();
    let wanted = places.iter().flat_map(|(low, _)| [*low, (low + 1).min(last)]);
    let mut found: BTreeMap<u64, Search> = wanted.map(|place| (place, Search { front: 0, left: place })).collect();
    for settled in (0..u64::BITS).step_by(STEP as usize) {
        narrow(array, settled, &mut found);
    }
    let number = |place: u64| found.get(&place).map_or(f64::NAN, |search| of_order(search.front));
    let between = |(low, part): &(u64, f64)| {
        let (a, b) = (number(*low), number((low + 1).min(last)));
        // Each part alone, as the difference may be no number; and a result between the two.
        if *part == 0.0 { a } else { (a * (1.0 - part) + b * part).clamp(a, b) }
    };
    places.iter().map(between).collect()
}

/// A place among the sorted numbers: the bits that are known of its number.
struct Search {
    /// The settled bits, at the top of a number's [`order`].
    front: u64,
    /// Its place among the numbers that begin with these bits.
    left: u64,
}

/// Settles the next bits of each search, in one pass over the elements.
fn narrow(array: ArrayRef<'_>, settled: u32, searches: &mut BTreeMap<u64, Search>) {
    let shift = u64::BITS - settled - STEP;
    let front_of = |bits: u64| bits.checked_shr(u64::BITS - settled).unwrap_or(0);
    let mut counts: BTreeMap<u64, Vec<u64>> =
        searches.values().map(|search| (front_of(search.front), vec![0; 1 << STEP])).collect();
    finite(array, |number| {
        let bits = order(number);
        let digit = usize::try_from(bits >> shift & ((1 << STEP) - 1)).unwrap_or(0);
        if let Some(count) = counts.get_mut(&front_of(bits)).and_then(|counts| counts.get_mut(digit)) {
            *count += 1;
        }
    });
    for search in searches.values_mut() {
        let Some(counts) = counts.get(&front_of(search.front)) else { continue };
        for (digit, count) in (0_u64..).zip(counts) {
            if search.left < *count {
                search.front |= digit << shift;
                break;
            }
            search.left -= count;
        }
    }
}

fn finite(array: ArrayRef<'_>, mut visit: impl FnMut(f64)) {
    numbers::for_each(array.dtype(), array.bytes, Part::Abs, |number| {
        if number.is_finite() {
            visit(number);
        }
    });
}

/// Maps numbers to integers of the same order.
fn order(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

fn of_order(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndsharray::DType;
    use proptest::prelude::*;

    fn of(numbers: &[f64], parts: &[f64]) -> Vec<f64> {
        let bytes = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect::<Vec<_>>();
        quantiles(ArrayRef::new(DType::F64, &[numbers.len()], &bytes), parts)
    }

    #[test]
    fn quantiles_as_numpy_has_them() {
        assert_eq!(of(&[3.0, 1.0, f64::NAN, 2.0, 4.0], &[0.0, 0.25, 0.5, 1.0]), [1.0, 1.75, 2.5, 4.0]);
        assert!(of(&[f64::NAN], &[0.5]).is_empty());
        assert_eq!(of(&[-1.0, -2.0, f64::INFINITY], &[0.5]), [-1.5]);
        assert_eq!(of(&[f64::MAX, -f64::MAX], &[0.5]), [0.0]);
    }

    proptest! {
        // Each case makes four passes.
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn each_place_has_its_number(numbers in prop::collection::vec(any::<f64>(), 1..30)) {
            let mut sorted: Vec<f64> = numbers.iter().copied().filter(|number| number.is_finite()).collect();
            sorted.sort_by(f64::total_cmp);
            let found = of(&numbers, &[0.0, 1.0]);
            prop_assert_eq!(found.first(), sorted.first());
            prop_assert_eq!(found.last(), sorted.last());
        }
    }
}
