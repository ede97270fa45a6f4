//! Names, sizes, times and shapes as text, on terminals and in pipes alike.

use bytesize::ByteSize;
use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Makes a name or path from outside safe to print.
///
/// Characters that could move the cursor, hide text or turn it around become escapes.
pub(crate) fn printable(name: &str) -> Cow<'_, str> {
    escape(name, &['"', '\''])
}

/// Makes a sentence with names in it safe to print; it may contain escapes already.
pub(crate) fn printable_message(message: &str) -> Cow<'_, str> {
    escape(message, &['"', '\'', '\\'])
}

fn escape<'a>(text: &'a str, keep: &[char]) -> Cow<'a, str> {
    let harmless = |c: char| keep.contains(&c) || c.escape_debug().eq([c]);
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if harmless(c) {
            out.push(c);
        } else {
            out.extend(c.escape_debug());
        }
    }
    Cow::Owned(out)
}

/// Formats bytes in powers of 1024: `2.6 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}

/// Formats a time to two or three digits: `850ns`, `1.2ms`, `3.4s`, `5m 12s`, `2d 4h`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let two = |large: u64, unit: &str, small: u64, smaller: &str| format!("{large}{unit} {small}{smaller}");
    match seconds {
        0 if time < Duration::from_micros(1) => format!("{}ns", time.as_nanos()),
        // Like std, but without the micro sign, which not every terminal can show.
        0 if time < Duration::from_millis(1) => format!("{:.1}us", time.as_secs_f64() * 1e6),
        0 => format!("{:.1}ms", time.as_secs_f64() * 1e3),
        1..60 => format!("{:.1}s", time.as_secs_f64()),
        60..3_600 => two(seconds / 60, "m", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "m"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// Formats values per second: `60.0/s`, `1.25M/s`.
pub(crate) fn per_second(rate: f64) -> String {
    match rate {
        1e6.. => format!("{:.2}M/s", rate / 1e6),
        1e4.. => format!("{:.1}k/s", rate / 1e3),
        _ => format!("{rate:.1}/s"),
    }
}

/// Formats bytes per second: `158.2 MiB/s`.
pub(crate) fn bandwidth(bytes: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast stops at both ends")]
    let bytes = bytes as u64;
    format!("{}/s", size(bytes))
}

/// Seconds since 1970.
pub(crate) fn unix_time(time: SystemTime) -> f64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

/// Counts things: `1 file`, `2 files`.
pub(crate) fn counted(count: impl Into<u128>, what: &str) -> String {
    let count = count.into();
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Formats a number in few characters.
pub(crate) fn number(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if number.fract() == 0.0 && size < 1e9 => format!("{number}"),
        1e-3..1e6 => format!("{number:.4}"),
        _ => format!("{number:.3e}"),
    }
}

/// Formats a shape as NumPy does: `(720, 1280, 3)`, `(5,)`, `()`.
pub(crate) fn shape(axes: &[usize]) -> String {
    match axes {
        [one] => format!("({one},)"),
        _ => format!("({})", axes.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// Formats a shape as [`shape`] does, but shortens one with many axes.
pub(crate) fn short_shape(axes: &[usize]) -> String {
    let whole = shape(axes);
    match axes {
        [first, second, ..] if whole.len() > SHORT => format!("({first}, {second}, ..{} axes)", axes.len()),
        _ => whole,
    }
}

/// Longest shape in a table, in characters: enough for a batch of pictures.
const SHORT: usize = 28;

/// Quotes a word where a POSIX shell needs it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:@%,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_act_on_the_terminal() {
        assert_eq!(printable("camera \"1\" Größe"), "camera \"1\" Größe");
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c\u{200b}\\"), "a\\u{1b}[2Jb\\u{202e}c\\u{200b}\\\\");
        assert_eq!(printable_message("\"a\\u{1b}\" and \u{9b}"), "\"a\\u{1b}\" and \\u{9b}");
    }

    #[test]
    fn durations_have_the_unit_that_suits_them() {
        for (nanoseconds, text) in [
            (0, "0ns"),
            (999, "999ns"),
            (1_500, "1.5us"),
            (1_250_000, "1.2ms"),
            (3_400_000_000, "3.4s"),
            (312_000_000_000, "5m 12s"),
            (7_260_000_000_000, "2h 1m"),
            (187_200_000_000_000, "2d 4h"),
        ] {
            assert_eq!(duration(Duration::from_nanos(nanoseconds)), text);
        }
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, -0.0, 255.0, -1.5, 1e-7, 1e9, f64::from(f32::MAX)].map(number);
        assert_eq!(numbers, ["0", "0", "255", "-1.5000", "1.000e-7", "1.000e9", "3.403e38"]);
    }

    #[test]
    fn shapes_look_as_in_numpy() {
        assert_eq!([shape(&[]), shape(&[5]), shape(&[2, 3])], ["()", "(5,)", "(2, 3)"]);
    }

    #[test]
    fn many_axes_are_counted() {
        assert_eq!(short_shape(&[8, 3, 1080, 1920]), "(8, 3, 1080, 1920)");
        assert_eq!(short_shape(&[2; 64]), "(2, 2, ..64 axes)");
    }

    #[test]
    fn rates() {
        assert_eq!([0.0, 59.94, 12_345.0, 2.5e6].map(per_second), ["0.0/s", "59.9/s", "12.3k/s", "2.50M/s"]);
        assert_eq!(bandwidth(2_764_800.0 * 60.0), "158.2 MiB/s");
    }
}
