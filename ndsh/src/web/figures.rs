//! Figures over the elements of a value.

use crate::array::{ArrayRef, Statistics};
use ndsharray::DType;

/// Bars of a histogram.
const BINS: usize = 32;

/// Computes figures and a histogram.
pub(super) fn of(array: ArrayRef<'_>) -> Statistics {
    if array.dtype() == DType::U8 { of_bytes(array.bytes) } else { Statistics::of(array, BINS) }
}

/// The same for bytes, which are counted by their 256 values: pictures come many times a second.
fn of_bytes(bytes: &[u8]) -> Statistics {
    // Four tables, so that equal neighbours do not wait for each other.
    let mut tables = [[0_u32; 256]; 4];
    let mut counts = [0_u64; 256];
    // A table's counts stay below 2^32.
    for part in bytes.chunks(1 << 30) {
        let (chunks, rest) = part.as_chunks::<4>();
        for chunk in chunks {
            for (table, byte) in tables.iter_mut().zip(chunk) {
                count(table, *byte);
            }
        }
        for byte in rest {
            count(&mut tables[0], *byte);
        }
        for table in &mut tables {
            counts.iter_mut().zip(std::mem::replace(table, [0; 256])).for_each(|(sum, count)| *sum += u64::from(count));
        }
    }
    let found = || counts.iter().zip(0..=u8::MAX).filter(|(count, _)| **count > 0);
    let (Some((_, low)), Some((_, high))) = (found().next(), found().next_back()) else { return Statistics::default() };
    let total = bytes.len() as f64;
    let sum: f64 = found().map(|(count, byte)| *count as f64 * f64::from(byte)).sum();
    let mean = sum / total;
    let squares: f64 = found().map(|(count, byte)| *count as f64 * (f64::from(byte) - mean).powi(2)).sum();
    let mut histogram = vec![0; BINS];
    for (count, byte) in found() {
        let width = usize::from(high - low).max(1);
        // As other arrays have it: the largest number belongs to the last bar.
        let bar = (usize::from(byte - low) * BINS / width).min(BINS - 1);
        if let Some(bar) = histogram.get_mut(bar) {
            *bar += count;
        }
    }
    Statistics {
        count: bytes.len() as u64,
        min: Some(low.into()),
        max: Some(high.into()),
        mean: Some(mean),
        std: Some((squares / total).sqrt()),
        histogram,
        ..Statistics::default()
    }
}

fn count(table: &mut [u32; 256], byte: u8) {
    // The index is below 256.
    if let Some(count) = table.get_mut(usize::from(byte)) {
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_have_the_figures_of_other_arrays(bytes: Vec<u8>) {
            let shape = [bytes.len()];
            let array = ArrayRef::new(DType::U8, &shape, &bytes);
            let (own, other) = (of(array), Statistics::of(array, BINS));
            prop_assert_eq!((own.count, own.min, own.max, &own.histogram), (other.count, other.min, other.max, &other.histogram));
            for (own, other) in [(own.mean, other.mean), (own.std, other.std)] {
                prop_assert!((own.unwrap_or(0.0) - other.unwrap_or(0.0)).abs() < 1e-9, "{:?} {:?}", own, other);
            }
        }
    }
}
