//! JSON that cannot act on a terminal.

use serde::Serialize;
use std::io::{self, Write};

/// Writes one JSON value, indented, and ends the line.
///
/// Characters that could act on a terminal are escaped as JSON allows.
pub(crate) fn json(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut safe = escaped(&serde_json::to_string_pretty(value)?);
    safe.push('\n');
    to.write_all(safe.as_bytes())
}

/// Formats one JSON value in one line, escaped as by [`json`].
pub(crate) fn json_line(value: &impl Serialize) -> io::Result<String> {
    Ok(escaped(&serde_json::to_string(value)?))
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if c.is_ascii() || c.escape_debug().eq([c]) {
            safe.push(c);
        } else {
            // In JSON, only strings have characters beyond ASCII.
            safe.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_cannot_either_and_means_the_same() {
        let name = "a\u{202e}b\u{1b}\u{e0041}\u{f6}\n\\";
        let mut out = Vec::new();
        json(&mut out, &[name]).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.chars().all(|c| c == '\n' || c.escape_debug().eq([c]) || matches!(c, '"' | '\\')), "{text}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), [name]);
    }
}
