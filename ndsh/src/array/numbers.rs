//! Elements of any dtype as `f64`, for figures and pictures.
//!
//! Long doubles and 64-bit integers beyond 2⁵³ are rounded.

use clap::ValueEnum;
use ndsharray::{Complex, ComplexLongDouble, DType, F8E4M3FN, F8E5M2, F8E8M0FNU, LongDouble, bf16, f16};
use serde::Deserialize;

/// The part of a complex number to show; it has no effect on other numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Part {
    /// Absolute value
    #[default]
    Abs,
    /// Real part
    Re,
    /// Imaginary part
    Im,
    /// Angle, from -pi to pi
    Phase,
}

impl Part {
    fn of(self, number: Complex<f64>) -> f64 {
        match self {
            Self::Abs => number.norm(),
            Self::Re => number.re,
            Self::Im => number.im,
            Self::Phase => number.arg(),
        }
    }
}

pub(crate) fn is_complex(dtype: DType) -> bool {
    matches!(dtype, DType::C64 | DType::C128 | DType::ComplexLongDouble)
}

/// Calls `visit` with each element, in C order.
///
/// Bytes need no alignment, and a `bool` may be any byte.
pub(crate) fn for_each(dtype: DType, bytes: &[u8], part: Part, visit: impl FnMut(f64)) {
    match dtype {
        DType::Bool => all(bytes, |[byte]: [u8; 1]| f64::from(u8::from(byte != 0)), visit),
        DType::U8 => all(bytes, |[byte]: [u8; 1]| f64::from(byte), visit),
        DType::I8 => all(bytes, |b| f64::from(i8::from_ne_bytes(b)), visit),
        DType::I16 => all(bytes, |b| f64::from(i16::from_ne_bytes(b)), visit),
        DType::I32 => all(bytes, |b| f64::from(i32::from_ne_bytes(b)), visit),
        DType::I64 => all(bytes, |b| i64::from_ne_bytes(b) as f64, visit),
        DType::U16 => all(bytes, |b| f64::from(u16::from_ne_bytes(b)), visit),
        DType::U32 => all(bytes, |b| f64::from(u32::from_ne_bytes(b)), visit),
        DType::U64 => all(bytes, |b| u64::from_ne_bytes(b) as f64, visit),
        DType::F16 => all(bytes, |b| f64::from(f16::from_ne_bytes(b)), visit),
        DType::BF16 => all(bytes, |b| f64::from(bf16::from_ne_bytes(b)), visit),
        DType::F32 => all(bytes, |b| f64::from(f32::from_ne_bytes(b)), visit),
        DType::F64 => all(bytes, f64::from_ne_bytes, visit),
        DType::LongDouble => all(bytes, |b| LongDouble::from_bytes(b).to_f64(), visit),
        DType::C64 => all(bytes, |b: [u8; 8]| part.of(pair(b, |half| f64::from(f32::from_ne_bytes(half)))), visit),
        DType::C128 => all(bytes, |b: [u8; 16]| part.of(pair(b, f64::from_ne_bytes)), visit),
        DType::ComplexLongDouble => {
            all(bytes, |b| part.of(ComplexLongDouble::from_bytes(b).to_complex_f64()), visit);
        }
        DType::F8E4M3FN => all(bytes, |[b]: [u8; 1]| F8E4M3FN::from_bits(b).to_f32().into(), visit),
        DType::F8E5M2 => all(bytes, |[b]: [u8; 1]| F8E5M2::from_bits(b).to_f32().into(), visit),
        DType::F8E8M0FNU => all(bytes, |[b]: [u8; 1]| F8E8M0FNU::from_bits(b).to_f32().into(), visit),
        // Texts, bytes, times, and dtypes of a newer version of the library are no numbers.
        _ => {}
    }
}

fn all<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64, visit: impl FnMut(f64)) {
    bytes.as_chunks().0.iter().copied().map(number).for_each(visit);
}

fn pair<const N: usize, const HALF: usize>(bytes: [u8; N], number: impl Fn([u8; HALF]) -> f64) -> Complex<f64> {
    match bytes.as_chunks().0 {
        [re, im] => Complex::new(number(*re), number(*im)),
        _ => Complex::new(f64::NAN, f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(dtype: DType, bytes: &[u8], part: Part) -> Vec<f64> {
        let mut numbers = Vec::new();
        for_each(dtype, bytes, part, |number| numbers.push(number));
        numbers
    }

    #[test]
    fn every_dtype_has_numbers() {
        let no_numbers =
            |dtype: DType| dtype >= DType::Bytes || matches!(dtype, DType::DateTime64 | DType::TimeDelta64);
        for &dtype in DType::ALL.iter().filter(|dtype| !no_numbers(**dtype)) {
            // The bits 0 of the last one stand for its smallest number.
            let zero = if dtype == DType::F8E8M0FNU { (-127_f64).exp2() } else { 0.0 };
            assert_eq!(numbers(dtype, &vec![0; 3 * dtype.size()], Part::Abs), [zero; 3], "{dtype}");
        }
    }

    #[test]
    fn numbers_are_the_elements() {
        let long = LongDouble::from(-2.5);
        let complex = ComplexLongDouble::from(Complex::new(3.0, -4.0));
        let cases: [(DType, Vec<u8>, f64); 12] = [
            (DType::Bool, vec![1], 1.0),
            (DType::I8, vec![0xff], -1.0),
            (DType::I16, (-300_i16).to_ne_bytes().to_vec(), -300.0),
            (DType::U16, 65_535_u16.to_ne_bytes().to_vec(), 65_535.0),
            (DType::I32, (-70_000_i32).to_ne_bytes().to_vec(), -70_000.0),
            (DType::U64, (1_u64 << 60).to_ne_bytes().to_vec(), 60_f64.exp2()),
            (DType::F16, f16::from_f32(1.5).to_ne_bytes().to_vec(), 1.5),
            (DType::BF16, bf16::from_f32(-8.0).to_ne_bytes().to_vec(), -8.0),
            (DType::F64, 0.1_f64.to_ne_bytes().to_vec(), 0.1),
            (DType::LongDouble, long.to_bytes().to_vec(), -2.5),
            (DType::C64, [3_f32, -4.0].map(f32::to_ne_bytes).concat(), 5.0),
            (DType::ComplexLongDouble, complex.to_bytes().to_vec(), 5.0),
        ];
        for (dtype, bytes, number) in cases {
            assert_eq!(numbers(dtype, &bytes, Part::Abs), [number], "{dtype}");
        }
    }

    #[test]
    fn parts_of_complex_numbers() {
        let bytes = [0_f64, 2.0].map(f64::to_ne_bytes).concat();
        let parts = [Part::Abs, Part::Re, Part::Im, Part::Phase].map(|part| numbers(DType::C128, &bytes, part));
        assert_eq!(parts.concat(), [2.0, 0.0, 2.0, std::f64::consts::FRAC_PI_2]);
    }
}
