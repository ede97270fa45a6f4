//! NumPy's type strings.

use crate::failure::{Failure, Result};
use crate::files::bad_file;
use ndsharray::{DType, ElementType};

/// Returns the type string of elements, in this machine's byte order, such that NumPy reads it.
pub(super) fn of(element: ElementType) -> String {
    match loadable(element).dtype() {
        // NumPy writes it with an order, for bytes without one.
        DType::Void if element.dtype() != DType::Void => element.to_npy_descr().replace("f1", "V1"),
        _ => element.to_npy_descr(),
    }
}

/// Returns the elements that NumPy finds in a file with such.
///
/// `ml_dtypes` saves its floats of 8 bits in ways that NumPy does not read, or reads as bytes.
pub(super) fn loadable(element: ElementType) -> ElementType {
    match element.dtype() {
        DType::F8E4M3FN | DType::F8E5M2 | DType::F8E8M0FNU => ElementType::void(1).unwrap_or(element),
        _ => element,
    }
}

/// Returns the elements of a type string, and the [`swap`](super::header::Header::swap) of them.
///
/// Takes all that `numpy.dtype` takes: a kind with its size, a character of C's types, or a name.
pub(super) fn parse(text: &str) -> Result<(ElementType, usize)> {
    let (order, word) = match text.chars().next() {
        Some(order @ ('<' | '>' | '=' | '|')) => (Some(order), text.get(1..).unwrap_or_default()),
        _ => (None, text),
    };
    let named = || {
        DType::ALL
            .iter()
            .copied()
            .find(|&dtype| dtype < DType::DateTime64 && dtype != DType::BF16 && dtype.name() == word)
    };
    let unordered = || named().or_else(|| by_name(word)).filter(|_| order.is_none());
    let plain = || by_kind(word).or_else(|| by_character(word)).or_else(unordered).map(ElementType::from);
    let found = match (order, word) {
        // An order tells it from two bytes.
        (Some('<' | '>'), "V2") => Some(DType::BF16.into()),
        _ => with_parameter(word, order.is_none()).or_else(plain),
    };
    let Some(element) = found else { return Err(unknown(text, word)) };
    let foreign = match order {
        Some('<') => cfg!(target_endian = "big"),
        Some('>') => cfg!(target_endian = "little"),
        _ => false,
    };
    Ok((element, if foreign { part(element) } else { 0 }))
}

/// Returns the length of the numbers that elements consist of, in bytes.
fn part(element: ElementType) -> usize {
    match element.dtype() {
        DType::C64 | DType::C128 | DType::ComplexLongDouble => element.size() / 2,
        DType::Text => size_of::<u32>(),
        DType::Bytes | DType::Void => 1,
        _ => element.size(),
    }
}

/// Looks up times with their unit, and elements of any width: `M8[ns]`, `S5`.
///
/// A long name, such as `datetime64[ns]`, has no byte order before it.
fn with_parameter(word: &str, long: bool) -> Option<ElementType> {
    let is_meant = |element: &ElementType| match element.dtype() {
        DType::DateTime64 | DType::TimeDelta64 => long || word.starts_with(['M', 'm']),
        dtype => matches!(dtype, DType::Bytes | DType::Text | DType::Void),
    };
    word.parse().ok().filter(is_meant)
}

fn unknown(text: &str, word: &str) -> Failure {
    let advice = match word.chars().next() {
        Some('M' | 'm' | 'd' | 't') => "save it in another unit, or as int64: array.view(numpy.int64)",
        Some('O' | 'o') => "save it as numbers: array.astype(float)",
        _ => "save it as another dtype: array.astype(...)",
    };
    bad_file(".npy", format!("there is no dtype for {text:?}")).advise(advice)
}

/// Looks up a kind with the bytes of an element: `f8`.
fn by_kind(word: &str) -> Option<DType> {
    let (kind, size) = word.split_at_checked(1)?;
    // Digits alone, as `parse` would take a sign.
    let size: usize = if size.bytes().all(|byte| byte.is_ascii_digit()) { size.parse().ok()? } else { return None };
    Some(match (kind, size) {
        ("b", 1) => DType::Bool,
        ("i", 1) => DType::I8,
        ("i", 2) => DType::I16,
        ("i", 4) => DType::I32,
        ("i", 8) => DType::I64,
        ("u", 1) => DType::U8,
        ("u", 2) => DType::U16,
        ("u", 4) => DType::U32,
        ("u", 8) => DType::U64,
        ("f", 2) => DType::F16,
        ("f", 1) => DType::F8E5M2,
        ("f", 4) => DType::F32,
        ("f", 8) => DType::F64,
        ("f", 16) => DType::LongDouble,
        ("c", 8) => DType::C64,
        ("c", 16) => DType::C128,
        ("c", 32) => DType::ComplexLongDouble,
        _ => return None,
    })
}

/// Returns the integer as wide as a C type.
fn whole(bytes: usize, signed: bool) -> DType {
    match (bytes, signed) {
        (4, true) => DType::I32,
        (4, false) => DType::U32,
        (_, true) => DType::I64,
        (_, false) => DType::U64,
    }
}

const LONG: usize = size_of::<libc::c_long>();
const POINTER: usize = size_of::<usize>();

/// Looks up the character of a C type: `d`.
fn by_character(word: &str) -> Option<DType> {
    Some(match word {
        "?" => DType::Bool,
        "b" => DType::I8,
        "B" => DType::U8,
        "h" => DType::I16,
        "H" => DType::U16,
        "i" => DType::I32,
        "I" => DType::U32,
        "l" => whole(LONG, true),
        "L" => whole(LONG, false),
        "q" => DType::I64,
        "Q" => DType::U64,
        "p" | "n" => whole(POINTER, true),
        "P" | "N" => whole(POINTER, false),
        "e" => DType::F16,
        "f" => DType::F32,
        "d" => DType::F64,
        "g" => DType::LongDouble,
        "F" => DType::C64,
        "D" => DType::C128,
        "G" => DType::ComplexLongDouble,
        _ => return None,
    })
}

/// Looks up names other than the dtypes' own.
fn by_name(word: &str) -> Option<DType> {
    Some(match word {
        "bool_" => DType::Bool,
        "byte" => DType::I8,
        "ubyte" => DType::U8,
        "short" => DType::I16,
        "ushort" => DType::U16,
        "intc" => DType::I32,
        "uintc" => DType::U32,
        "long" => whole(LONG, true),
        "ulong" => whole(LONG, false),
        "longlong" => DType::I64,
        "ulonglong" => DType::U64,
        "int" | "int_" | "intp" => whole(POINTER, true),
        "uint" | "uintp" => whole(POINTER, false),
        "half" => DType::F16,
        "single" => DType::F32,
        "float" | "double" => DType::F64,
        "float128" => DType::LongDouble,
        "csingle" => DType::C64,
        "complex" | "cdouble" => DType::C128,
        "complex256" => DType::ComplexLongDouble,
        _ => return None,
    })
}
