//! A value's attributes, which may be text, JSON or any bytes.

use super::text::printable;
use serde_json::Value;

/// Longest attributes in a line, in characters.
const SHORT: usize = 160;

/// The attributes as text, if they are nothing else.
pub(crate) fn as_text(attributes: &[u8]) -> Option<&str> {
    let is_text = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    std::str::from_utf8(attributes).ok().filter(|text| text.chars().all(is_text))
}

/// Formats bytes as hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads what [`to_hex`] has made.
pub(crate) fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| {
        let digit = |byte: u8| (byte as char).to_digit(16);
        let [high, low] = pair.map(digit);
        u8::try_from(high? << 4 | low?).ok()
    };
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// Attributes for JSON: objects and arrays as they are, other text as a string.
///
/// Bytes that are no text are a string of hexadecimal digits behind `hex:`.
pub(crate) fn to_json(attributes: &[u8]) -> Value {
    let Some(text) = as_text(attributes) else { return format!("hex:{}", to_hex(attributes)).into() };
    match serde_json::from_str(text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => value,
        _ => text.into(),
    }
}

/// Attributes in one line for people: text as it is, escaped, else hexadecimal digits.
pub(crate) fn in_a_line(attributes: &[u8]) -> String {
    let whole = match as_text(attributes) {
        Some(text) => printable(text).into_owned(),
        None => format!("hex {}", to_hex(attributes)),
    };
    match whole.char_indices().nth(SHORT) {
        Some((end, _)) => format!("{}...", whole.get(..end).unwrap_or(&whole)),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_come_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hex(&to_hex(&bytes)), Some(bytes));
        assert_eq!(["0", "0g", "ö"].map(from_hex), [None, None, None]);
    }

    #[test]
    fn each_kind_has_its_form() {
        let json = [b"{\"frame\": 7}".as_slice(), b"[1]", b"7", b"a \"b\"", b"\xff\x00"].map(to_json);
        let wanted = ["{\"frame\":7}", "[1]", "\"7\"", "\"a \\\"b\\\"\"", "\"hex:ff00\""];
        assert_eq!(json.map(|value| value.to_string()), wanted);
        assert_eq!(in_a_line(b"a\nb"), "a\\nb");
        assert_eq!(in_a_line(b"a\x1b[2J"), "hex 611b5b324a");
        assert_eq!(in_a_line(&[0xff; 4096]).len(), SHORT + 3);
    }
}
