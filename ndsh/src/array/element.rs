//! What one element is: the table by which arrays are printed.
//!
//! A dtype is one entry of [`type_of`]. All that prints elements, as text, CSV or JSON, follows.

use ndsharray::{ComplexLongDouble, DType, LongDouble, bf16, f16};

/// One element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Element {
    Bool(bool),
    Int(i128),
    Float(f64),
    Complex([f64; 2]),
}

/// The kind of a dtype's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int,
    Float(Grain),
    Complex(Grain),
}

/// How finely a floating-point format distinguishes numbers, which decides on the digits it needs.
///
/// Long doubles are printed as the nearest `Double`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grain {
    Half,
    Brain,
    Single,
    Double,
}

impl Grain {
    /// Returns the nearest number of the format.
    pub(crate) fn round(self, number: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, reason = "this is rounding")]
        match self {
            Self::Half => f16::from_f64(number).to_f64(),
            Self::Brain => bf16::from_f64(number).to_f64(),
            Self::Single => f64::from(number as f32),
            Self::Double => number,
        }
    }

    /// From which size on a number in an array has an exponent.
    pub(crate) fn array_cutoff(self) -> f64 {
        match self {
            Self::Half => 1e3,
            Self::Brain | Self::Single => 1e6,
            Self::Double => 1e8,
        }
    }

    /// From which size on a number alone has an exponent.
    pub(crate) fn scalar_cutoff(self) -> f64 {
        match self {
            Self::Half => 1e3,
            Self::Brain | Self::Single => 1e6,
            Self::Double => 1e16,
        }
    }
}

/// How to read and print the elements of a dtype.
#[derive(Clone, Copy)]
pub(crate) struct Type {
    pub(crate) kind: Kind,
    /// Reads an element from its bytes; `None` if there are too few.
    pub(crate) read: fn(&[u8]) -> Option<Element>,
}

/// Looks up a dtype; `None` for one of a newer version of the library.
pub(crate) fn type_of(dtype: DType) -> Option<Type> {
    /// An entry: the dtype's kind, and how its bytes become an element.
    macro_rules! entry {
        ($kind:expr, |$bytes:ident| $element:expr) => {
            Type { kind: $kind, read: |bytes| bytes.first_chunk().map(|&$bytes| $element) }
        };
    }
    use Element::{Bool, Complex, Float, Int};
    use Grain::{Brain, Double, Half, Single};
    Some(match dtype {
        DType::Bool => entry!(Kind::Bool, |b| Bool(u8::from_ne_bytes(b) != 0)),
        DType::I8 => entry!(Kind::Int, |b| Int(i8::from_ne_bytes(b).into())),
        DType::I16 => entry!(Kind::Int, |b| Int(i16::from_ne_bytes(b).into())),
        DType::I32 => entry!(Kind::Int, |b| Int(i32::from_ne_bytes(b).into())),
        DType::I64 => entry!(Kind::Int, |b| Int(i64::from_ne_bytes(b).into())),
        DType::U8 => entry!(Kind::Int, |b| Int(u8::from_ne_bytes(b).into())),
        DType::U16 => entry!(Kind::Int, |b| Int(u16::from_ne_bytes(b).into())),
        DType::U32 => entry!(Kind::Int, |b| Int(u32::from_ne_bytes(b).into())),
        DType::U64 => entry!(Kind::Int, |b| Int(u64::from_ne_bytes(b).into())),
        DType::F16 => entry!(Kind::Float(Half), |b| Float(f16::from_ne_bytes(b).into())),
        DType::BF16 => entry!(Kind::Float(Brain), |b| Float(bf16::from_ne_bytes(b).into())),
        DType::F32 => entry!(Kind::Float(Single), |b| Float(f32::from_ne_bytes(b).into())),
        DType::F64 => entry!(Kind::Float(Double), |b| Float(f64::from_ne_bytes(b))),
        DType::LongDouble => entry!(Kind::Float(Double), |b| Float(LongDouble::from_bytes(b).to_f64())),
        DType::C64 => {
            entry!(Kind::Complex(Single), |b| Complex(parts::<8, 4>(b).map(|b| f32::from_ne_bytes(b).into())))
        }
        DType::C128 => entry!(Kind::Complex(Double), |b| Complex(parts::<16, 8>(b).map(f64::from_ne_bytes))),
        DType::ComplexLongDouble => entry!(Kind::Complex(Double), |b| {
            let number = ComplexLongDouble::from_bytes(b).to_complex_f64();
            Complex([number.re, number.im])
        }),
        _ => return None,
    })
}

/// Cuts a complex number in two.
fn parts<const N: usize, const HALF: usize>(bytes: [u8; N]) -> [[u8; HALF]; 2] {
    match *bytes.as_chunks().0 {
        [re, im] => [re, im],
        _ => [[0; HALF]; 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dtype_has_an_entry() {
        for &dtype in DType::ALL {
            let found = type_of(dtype).unwrap();
            assert!((found.read)(&vec![0; dtype.size()]).is_some(), "{dtype}");
            assert_eq!((found.read)(&vec![0; dtype.size() - 1]), None, "{dtype}");
        }
    }

    #[test]
    fn elements_are_what_their_bytes_say() {
        let read = |dtype, bytes: &[u8]| (type_of(dtype).unwrap().read)(bytes).unwrap();
        assert_eq!(read(DType::Bool, &[7]), Element::Bool(true));
        assert_eq!(read(DType::I8, &[0xff]), Element::Int(-1));
        assert_eq!(read(DType::U64, &u64::MAX.to_ne_bytes()), Element::Int(u64::MAX.into()));
        assert_eq!(read(DType::BF16, &bf16::from_f32(-8.0).to_ne_bytes()), Element::Float(-8.0));
        assert_eq!(read(DType::C64, &[3_f32, -4.0].map(f32::to_ne_bytes).concat()), Element::Complex([3.0, -4.0]));
    }
}
