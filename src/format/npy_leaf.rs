//! Element types as NumPy's type strings have them: `<f4`.

use crate::element::dtype::DType;
use crate::element::element_type::ElementType;

/// The type string of an element type, in this machine's byte order.
pub(super) fn to_text(element: ElementType) -> String {
    element.to_npy_descr()
}

/// The element type of a type string, and whether its bytes are of the other byte order.
pub(super) fn parse(text: &str) -> Option<(ElementType, bool)> {
    let order = text.chars().next()?;
    let turned = match order {
        '<' => cfg!(target_endian = "big"),
        '>' => cfg!(target_endian = "little"),
        '=' | '|' => false,
        _ => return None,
    };
    let word = text.get(1..)?;
    // As it would read here. That bfloat16 has an order tells it from a void.
    let native = match order {
        '<' | '>' if cfg!(target_endian = "little") => format!("<{word}"),
        '<' | '>' => format!(">{word}"),
        _ => text.to_owned(),
    };
    let element = ElementType::from_npy_descr(&native).ok()?;
    Some((element, turned && unit(element) > 1))
}

/// Bytes of the numbers that an element consists of.
pub(super) fn unit(element: ElementType) -> usize {
    match element.dtype() {
        DType::C64 | DType::C128 | DType::ComplexLongDouble => element.size() / 2,
        DType::Text => 4,
        DType::Bytes | DType::Void => 1,
        _ => element.size(),
    }
}
