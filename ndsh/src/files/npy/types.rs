//! NumPy's type strings.

use crate::failure::{Exit, Failure, Result};
use crate::files::bad_file;
use ndsharray::DType;
use npyz::TypeStr;

/// Returns the type string of a dtype, in this machine's byte order.
pub(super) fn of(dtype: DType) -> Result<TypeStr> {
    let kind = match dtype {
        DType::Bool => 'b',
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => 'i',
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => 'u',
        DType::F16 | DType::F32 | DType::F64 | DType::LongDouble => 'f',
        DType::C64 | DType::C128 | DType::ComplexLongDouble => 'c',
        DType::BF16 => 'V',
        _ => return Err(Failure::new(Exit::Failure, format!("NumPy files have no dtype {dtype}"))),
    };
    let order = match dtype.size() {
        1 => '|',
        _ if cfg!(target_endian = "little") => '<',
        _ => '>',
    };
    let text = format!("{order}{kind}{}", dtype.size());
    text.parse().map_err(|error| Failure::new(Exit::Failure, format!("{dtype}: {error}")))
}

/// Returns the dtype of a type string, and the [`swap`](super::header::Header::swap) of its
/// elements.
///
/// Takes all that `numpy.dtype` takes: a kind with its size, a character of C's types, or a name.
pub(super) fn parse(text: &str) -> Result<(DType, usize)> {
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
    let Some(dtype) = by_kind(word).or_else(|| by_character(word)).or_else(unordered) else {
        return Err(unknown(text, word));
    };
    let foreign = match order {
        Some('<') => cfg!(target_endian = "big"),
        Some('>') => cfg!(target_endian = "little"),
        _ => false,
    };
    let complex = matches!(dtype, DType::C64 | DType::C128 | DType::ComplexLongDouble);
    // Each part of a complex number is reversed on its own.
    let part = if complex { dtype.size() / 2 } else { dtype.size() };
    Ok((dtype, if foreign { part } else { 0 }))
}

fn unknown(text: &str, word: &str) -> Failure {
    let advice = match word.chars().next() {
        Some('M' | 'm' | 'd' | 't') => "save it as int64: array.view(numpy.int64)",
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
        ("V", 2) => DType::BF16,
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
