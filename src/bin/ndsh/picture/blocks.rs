//! A picture as text: two pixels in a character, one above the other.

use super::Canvas;
use ratatui::crossterm::queue;
use ratatui::crossterm::style::{
    Attribute, Color, SetAttribute, SetBackgroundColor, SetForegroundColor, force_color_output,
};
use std::io::{self, Write};

/// Upper half in the foreground's colour, lower half in the background's.
pub(crate) const UPPER_HALF: char = '\u{2580}';

/// From dark to light, where there are no colours.
const RAMP: &[u8] = b" .:-=+*#%@";

/// Writes a picture in 24-bit colours, a line for two rows.
///
/// Whether colours are wanted has been asked by now: NO_COLOR is not heeded here again.
pub(crate) fn write_colours(to: &mut impl Write, canvas: &Canvas) -> io::Result<()> {
    force_color_output(true);
    for y in (0..canvas.height).step_by(2) {
        let mut last: Option<[Color; 2]> = None;
        for x in 0..canvas.width {
            let colours = [canvas.get(y, x), canvas.get(y + 1, x)].map(color);
            // Only what changes: a plane of one colour is a few bytes a line.
            let [upper, lower] = colours;
            if last.is_none_or(|[last, _]| last != upper) {
                queue!(to, SetForegroundColor(upper))?;
            }
            if last.is_none_or(|[_, last]| last != lower) {
                queue!(to, SetBackgroundColor(lower))?;
            }
            last = Some(colours);
            write!(to, "{UPPER_HALF}")?;
        }
        queue!(to, SetAttribute(Attribute::Reset))?;
        writeln!(to)?;
    }
    Ok(())
}

/// Nothing where a picture has an odd number of rows.
fn color(pixel: Option<[u8; 4]>) -> Color {
    pixel.map_or(Color::Reset, |[r, g, b, _]| Color::Rgb { r, g, b })
}

/// Writes a picture in characters alone, a line for two rows.
pub(crate) fn write_ramp(to: &mut impl Write, canvas: &Canvas) -> io::Result<()> {
    for y in (0..canvas.height).step_by(2) {
        let line: String = (0..canvas.width).map(|x| ramp(canvas.get(y, x), canvas.get(y + 1, x))).collect();
        writeln!(to, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The character that is as light as two pixels, or one where there is no other.
pub(crate) fn ramp(upper: Option<[u8; 4]>, lower: Option<[u8; 4]>) -> char {
    let light = match (upper.map(light), lower.map(light)) {
        (Some(upper), Some(lower)) => upper.midpoint(lower),
        (one, other) => one.or(other).unwrap_or(0),
    };
    let step = light as usize * RAMP.len() / 256;
    RAMP.get(step).copied().map_or(' ', char::from)
}

/// How light a colour looks, 0 to 255 (Rec. 709).
fn light([r, g, b, _]: [u8; 4]) -> u32 {
    (u32::from(r) * 2126 + u32::from(g) * 7152 + u32::from(b) * 722) / 10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canvas(width: usize, greys: &[u8]) -> Canvas {
        let pixels = greys.iter().map(|&grey| [grey, grey, grey, 255]).collect();
        Canvas { width, height: greys.len() / width, pixels }
    }

    #[test]
    fn two_rows_a_line() {
        let mut out = Vec::new();
        write_colours(&mut out, &canvas(2, &[1, 1, 2, 3])).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\u{1b}[38;2;1;1;1m\u{1b}[48;2;2;2;2m\u{2580}\u{1b}[48;2;3;3;3m\u{2580}\u{1b}[0m\n");
    }

    #[test]
    fn an_odd_row_has_nothing_below() {
        let mut out = Vec::new();
        write_colours(&mut out, &canvas(1, &[1, 2, 3])).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("\u{1b}[38;2;3;3;3m\u{1b}[49m\u{2580}\u{1b}[0m\n"), "{text:?}");
    }

    #[test]
    fn without_colours() {
        let mut out = Vec::new();
        write_ramp(&mut out, &canvas(3, &[0, 128, 255, 0, 128, 255])).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), " +@\n");
    }
}
