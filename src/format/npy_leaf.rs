//! Element types as NumPy's type strings have them: `<f4`.

use crate::element::dtype::DType;
use crate::element::element_type::ElementType;

/// The type string of an element type, in this machine's byte order.
pub(super) fn to_text(element: ElementType) -> String {
    let kind = match element.dtype() {
        DType::Bool => 'b',
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => 'i',
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => 'u',
        DType::F16 | DType::F32 | DType::F64 | DType::LongDouble => 'f',
        DType::C64 | DType::C128 | DType::ComplexLongDouble => 'c',
        // What NumPy writes for the types of `ml_dtypes`, which it does not know.
        DType::BF16 => 'V',
        // A record is described by its fields; this is its bytes alone.
        DType::Record => 'V',
    };
    let order = match element.size() {
        1 => '|',
        _ if cfg!(target_endian = "little") => '<',
        _ => '>',
    };
    format!("{order}{kind}{}", element.size())
}

/// The element type of a type string, and whether its bytes are of the other byte order.
pub(super) fn parse(text: &str) -> Option<(ElementType, bool)> {
    let order = text.chars().next()?;
    let dtype = match text.get(1..)? {
        "b1" => DType::Bool,
        "i1" => DType::I8,
        "i2" => DType::I16,
        "i4" => DType::I32,
        "i8" => DType::I64,
        "u1" => DType::U8,
        "u2" => DType::U16,
        "u4" => DType::U32,
        "u8" => DType::U64,
        "f2" => DType::F16,
        "f4" => DType::F32,
        "f8" => DType::F64,
        "f16" => DType::LongDouble,
        "c8" => DType::C64,
        "c16" => DType::C128,
        "c32" => DType::ComplexLongDouble,
        "V2" if order != '|' => DType::BF16,
        _ => return None,
    };
    let turned = match order {
        '<' => cfg!(target_endian = "big"),
        '>' => cfg!(target_endian = "little"),
        '=' | '|' => false,
        _ => return None,
    };
    Some((dtype.into(), turned && dtype.size() > 1))
}

/// Bytes of the numbers that an element consists of.
pub(super) fn unit(element: ElementType) -> usize {
    match element.dtype() {
        DType::C64 | DType::C128 | DType::ComplexLongDouble => element.size() / 2,
        _ => element.size(),
    }
}
