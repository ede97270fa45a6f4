//! What one element is: the table by which arrays are printed.
//!
//! A dtype is one entry of [`type_of`]. All that prints elements, as text, CSV or JSON, follows.

use super::time;
use ndsharray::{
    ComplexLongDouble, DType, ElementType, F8E4M3FN, F8E5M2, F8E8M0FNU, Field, LongDouble, RecordType, TimeUnit, bf16,
    f16,
};
use std::rc::Rc;

/// One element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Element {
    Bool(bool),
    Int(i128),
    Float(f64),
    Complex([f64; 2]),
    Text(String),
    Bytes(Vec<u8>),
    /// The elements of each field of a record, those of a field with a shape in C order.
    Record(Vec<Vec<Self>>),
}

/// The kind of a dtype's elements.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Bool,
    Int,
    Float(Grain),
    Complex(Grain),
    /// Points in time, which are texts here.
    Date,
    Text,
    /// Bytes of text.
    Bytes,
    /// Bytes without a meaning.
    Void,
    Record(Rc<[FieldType]>),
}

/// A field of a record.
#[derive(Clone, Debug)]
pub(crate) struct FieldType {
    pub(crate) name: String,
    /// The axes of a field with several elements.
    pub(crate) shape: Vec<usize>,
    pub(crate) kind: Type,
    /// Where it begins in the record, in bytes.
    offset: usize,
    /// Bytes of one of its elements.
    size: usize,
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
#[derive(Clone, Debug)]
pub(crate) struct Type {
    pub(crate) kind: Kind,
    /// Reads an element from its bytes; `None` if there are too few. Not for records.
    read: Read,
    /// Makes the bytes of an element; `None` if the dtype has no such element.
    pub(crate) write: fn(&Element) -> Option<Vec<u8>>,
}

/// How bytes become an element.
#[derive(Clone, Copy, Debug)]
enum Read {
    By(fn(&[u8]) -> Option<Element>),
    /// A count of this unit since 1970.
    Date(TimeUnit),
}

impl Type {
    /// How to read and print elements; `None` for those of a newer version of the library.
    pub(crate) fn of(element: ElementType, record: Option<&RecordType>) -> Option<Self> {
        match (record, element.dtype(), element.unit()) {
            (Some(record), ..) => Self::of_record(record),
            (None, DType::DateTime64, Some(unit)) => {
                Some(Self { kind: Kind::Date, read: Read::Date(unit), write: |_| None })
            }
            (None, dtype, _) => type_of(dtype),
        }
    }

    /// How to read and print records; `None` if a field is of a newer version of the library.
    fn of_record(record: &RecordType) -> Option<Self> {
        let field = |field: &Field| {
            let (kind, size) = match field.kind() {
                ndsharray::FieldType::Element(element) => (Self::of(*element, None)?, element.size()),
                ndsharray::FieldType::Record(record) => (Self::of_record(record)?, record.item_size()),
                _ => return None,
            };
            let (name, shape) = (field.name().to_owned(), field.shape().to_vec());
            Some(FieldType { name, shape, kind, offset: field.offset(), size })
        };
        let fields: Option<Rc<[_]>> = record.fields().iter().map(field).collect();
        Some(Self { kind: Kind::Record(fields?), read: Read::By(|_| None), write: |_| None })
    }

    /// Reads an element from its bytes; `None` if there are too few.
    pub(crate) fn read(&self, bytes: &[u8]) -> Option<Element> {
        let Kind::Record(fields) = &self.kind else {
            return match self.read {
                Read::By(read) => read(bytes),
                Read::Date(unit) => {
                    bytes.first_chunk().map(|b| Element::Text(time::date(i64::from_ne_bytes(*b), unit)))
                }
            };
        };
        let field = |field: &FieldType| {
            let count = if field.shape.contains(&0) { 0 } else { field.shape.iter().product::<usize>() };
            let bytes = bytes.get(field.offset..field.offset.checked_add(count.checked_mul(field.size)?)?)?;
            bytes.chunks_exact(field.size.max(1)).map(|bytes| field.kind.read(bytes)).collect::<Option<Vec<_>>>()
        };
        fields.iter().map(field).collect::<Option<Vec<_>>>().map(Element::Record)
    }
}

/// Looks up a dtype; `None` for one of a newer version of the library.
pub(crate) fn type_of(dtype: DType) -> Option<Type> {
    /// An entry: the dtype's kind, how its bytes become an element, and an element its bytes.
    macro_rules! entry {
        ($kind:expr, |$bytes:ident| $element:expr, |$from:ident| $written:expr) => {
            Type {
                kind: $kind,
                read: Read::By(|bytes| bytes.first_chunk().map(|&$bytes| $element)),
                write: |$from| Some($written.to_vec()),
            }
        };
    }
    /// An entry of a whole number.
    macro_rules! int {
        ($ty:ty) => {
            entry!(Kind::Int, |b| Element::Int(<$ty>::from_ne_bytes(b).into()), |e| <$ty>::try_from(e.whole()?)
                .ok()?
                .to_ne_bytes())
        };
    }
    /// An entry of eight bits, whose type gives and takes `f32`.
    macro_rules! float8 {
        ($ty:ty) => {
            entry!(
                Kind::Float(Grain::Brain),
                |b| Element::Float(<$ty>::from_bits(u8::from_ne_bytes(b)).to_f32().into()),
                |e| [<$ty>::from_f32(e.real()? as f32).to_bits()]
            )
        };
    }
    use Element::{Bool, Complex, Float};
    use Grain::{Brain, Double, Half, Single};
    #[expect(clippy::cast_possible_truncation, reason = "float32 rounds")]
    Some(match dtype {
        DType::Bool => entry!(Kind::Bool, |b| Bool(u8::from_ne_bytes(b) != 0), |e| [u8::from(e.truth()?)]),
        DType::I8 => int!(i8),
        DType::I16 => int!(i16),
        DType::I32 => int!(i32),
        DType::I64 => int!(i64),
        DType::U8 => int!(u8),
        DType::U16 => int!(u16),
        DType::U32 => int!(u32),
        DType::U64 => int!(u64),
        DType::F16 => entry!(Kind::Float(Half), |b| Float(f16::from_ne_bytes(b).into()), |e| f16::from_f64(e.real()?)
            .to_ne_bytes()),
        DType::BF16 => {
            entry!(Kind::Float(Brain), |b| Float(bf16::from_ne_bytes(b).into()), |e| bf16::from_f64(e.real()?)
                .to_ne_bytes())
        }
        DType::F32 => {
            entry!(Kind::Float(Single), |b| Float(f32::from_ne_bytes(b).into()), |e| (e.real()? as f32).to_ne_bytes())
        }
        DType::F64 => entry!(Kind::Float(Double), |b| Float(f64::from_ne_bytes(b)), |e| e.real()?.to_ne_bytes()),
        DType::LongDouble => {
            entry!(Kind::Float(Double), |b| Float(LongDouble::from_bytes(b).to_f64()), |e| LongDouble::from(e.real()?)
                .to_bytes())
        }
        DType::C64 => {
            entry!(Kind::Complex(Single), |b| Complex(parts::<8, 4>(b).map(|b| f32::from_ne_bytes(b).into())), |e| e
                .complex()?
                .map(|part| (part as f32).to_ne_bytes())
                .concat())
        }
        DType::C128 => entry!(Kind::Complex(Double), |b| Complex(parts::<16, 8>(b).map(f64::from_ne_bytes)), |e| e
            .complex()?
            .map(f64::to_ne_bytes)
            .concat()),
        DType::ComplexLongDouble => entry!(
            Kind::Complex(Double),
            |b| {
                let number = ComplexLongDouble::from_bytes(b).to_complex_f64();
                Complex([number.re, number.im])
            },
            |e| {
                let [re, im] = e.complex()?;
                ComplexLongDouble::from(ndsharray::Complex::new(re, im)).to_bytes()
            }
        ),
        // Counts of the array's unit; NaT is the smallest of them.
        DType::TimeDelta64 => Type {
            read: Read::By(|bytes| {
                let count = i64::from_ne_bytes(*bytes.first_chunk()?);
                Some(if count == i64::MIN { Element::Text(time::NAT.to_owned()) } else { Element::Int(count.into()) })
            }),
            ..int!(i64)
        },
        DType::DateTime64 => int!(i64),
        DType::Bytes => wide(Kind::Bytes, |bytes| Some(Element::Bytes(without_zeros(bytes).to_vec()))),
        DType::Text => wide(Kind::Text, |bytes| Some(Element::Text(text(bytes)))),
        DType::Void => wide(Kind::Void, |bytes| Some(Element::Bytes(bytes.to_vec()))),
        DType::F8E4M3FN => float8!(F8E4M3FN),
        DType::F8E5M2 => float8!(F8E5M2),
        DType::F8E8M0FNU => float8!(F8E8M0FNU),
        _ => return None,
    })
}

impl Element {
    /// The element as true or false; only 0 and 1 are.
    fn truth(&self) -> Option<bool> {
        match self.whole()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// The element as a whole number, if it is one.
    fn whole(&self) -> Option<i128> {
        match self {
            Self::Bool(value) => Some(i128::from(*value)),
            Self::Int(number) => Some(*number),
            // Larger ones fit no dtype.
            #[expect(clippy::cast_possible_truncation, reason = "whole and small enough")]
            Self::Float(number) => (number.fract() == 0.0 && number.abs() < 1e20).then_some(*number as i128),
            Self::Complex(_) | Self::Text(_) | Self::Bytes(_) | Self::Record(_) => None,
        }
    }

    /// The element as a real number, rounded if need be.
    fn real(&self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Complex(_) | Self::Text(_) | Self::Bytes(_) | Self::Record(_) => None,
        }
    }

    fn complex(&self) -> Option<[f64; 2]> {
        match self {
            Self::Complex(parts) => Some(*parts),
            other => Some([other.real()?, 0.0]),
        }
    }
}

/// An entry of elements of any width, which no literal makes.
fn wide(kind: Kind, read: fn(&[u8]) -> Option<Element>) -> Type {
    Type { kind, read: Read::By(read), write: |_| None }
}

/// Cuts off what NumPy fills up short elements with.
fn without_zeros(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

/// Reads characters of four bytes; what is none becomes U+FFFD.
fn text(bytes: &[u8]) -> String {
    let codes = bytes.as_chunks().0.iter().map(|code| u32::from_ne_bytes(*code));
    let text: String = codes.map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.trim_end_matches('\0').to_owned()
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
        // Of `bytes`, `str` and `void` each array has a width of its own.
        for &dtype in DType::ALL.iter().filter(|dtype| **dtype < DType::Bytes) {
            let found = type_of(dtype).unwrap();
            assert!(found.read(&vec![0; dtype.size()]).is_some(), "{dtype}");
            assert_eq!(found.read(&vec![0; dtype.size() - 1]), None, "{dtype}");
        }
    }

    #[test]
    fn elements_are_what_their_bytes_say() {
        let read = |dtype, bytes: &[u8]| type_of(dtype).unwrap().read(bytes).unwrap();
        assert_eq!(read(DType::Bool, &[7]), Element::Bool(true));
        assert_eq!(read(DType::I8, &[0xff]), Element::Int(-1));
        assert_eq!(read(DType::U64, &u64::MAX.to_ne_bytes()), Element::Int(u64::MAX.into()));
        assert_eq!(read(DType::BF16, &bf16::from_f32(-8.0).to_ne_bytes()), Element::Float(-8.0));
        assert_eq!(read(DType::C64, &[3_f32, -4.0].map(f32::to_ne_bytes).concat()), Element::Complex([3.0, -4.0]));
    }
}
