//! A picture as text, with two pixels in a character, one above the other.

use super::{Canvas, Plot};
use crate::terminal::{Depth, in_palette, in_sixteen, is_dumb};
use ratatui::style::Color;
use std::io::{self, Write};

/// Its upper half has the foreground's colour, its lower half the background's.
pub(crate) const UPPER_HALF: char = '\u{2580}';

/// Characters from dark to light, for terminals without colours.
const RAMP: &[u8] = b" .:-=+*#%@";

/// Writes a picture in colours, two rows to a line.
pub(crate) fn write_colours(to: &mut impl Write, canvas: &Canvas, depth: Depth) -> io::Result<()> {
    for y in (0..canvas.height).step_by(2) {
        let mut last: Option<[String; 2]> = None;
        for x in 0..canvas.width {
            let upper = code(Ground::Fore, canvas.get(y, x), depth);
            let lower = code(Ground::Back, canvas.get(y + 1, x), depth);
            // Only changes, so that an area of one colour takes few bytes.
            if last.as_ref().is_none_or(|[last, _]| *last != upper) {
                write!(to, "\u{1b}[{upper}m")?;
            }
            if last.as_ref().is_none_or(|[_, last]| *last != lower) {
                write!(to, "\u{1b}[{lower}m")?;
            }
            last = Some([upper, lower]);
            write!(to, "{UPPER_HALF}")?;
        }
        writeln!(to, "\u{1b}[0m")?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Ground {
    Fore = 30,
    Back = 40,
}

/// Returns the parameters that set a colour.
///
/// Below an odd last row it is the terminal's own.
fn code(ground: Ground, pixel: Option<[u8; 4]>, depth: Depth) -> String {
    let base = ground as u8;
    let Some([r, g, b, _]) = pixel else { return (base + 9).to_string() };
    match depth {
        Depth::True => format!("{};2;{r};{g};{b}", base + 8),
        Depth::Palette => format!("{};5;{}", base + 8, in_palette([r, g, b])),
        // The bright eight have codes of their own.
        Depth::Sixteen | Depth::None => match in_sixteen([r, g, b]) {
            dark @ 0..8 => (base + dark).to_string(),
            bright => (base + 60 + bright - 8).to_string(),
        },
    }
}

/// Writes curves, with the range beside them.
pub(crate) fn write_curves(to: &mut impl Write, plot: &Plot, depth: Depth) -> io::Result<()> {
    for line in 0..plot.lines {
        let mut text = plot.label(line);
        let mut last = None;
        for (c, colour) in plot.line(line, is_dumb()) {
            let colour = colour.filter(|_| depth != Depth::None).map(|[r, g, b]| [r, g, b, u8::MAX]);
            if colour != last && (colour.is_some() || c != ' ') {
                text += &format!("\u{1b}[{}m", code(Ground::Fore, colour, depth));
                last = colour;
            }
            text.push(c);
        }
        let end = if last.is_some() { "\u{1b}[0m" } else { "" };
        writeln!(to, "{}{end}", text.trim_end())?;
    }
    Ok(())
}

/// Returns the colour of a cell on a screen.
pub(crate) fn cell(pixel: Option<[u8; 4]>, depth: Depth) -> Color {
    match (pixel, depth) {
        (None, _) => Color::Reset,
        (Some([r, g, b, _]), Depth::True) => Color::Rgb(r, g, b),
        (Some([r, g, b, _]), Depth::Palette) => Color::Indexed(in_palette([r, g, b])),
        (Some([r, g, b, _]), Depth::Sixteen | Depth::None) => Color::Indexed(in_sixteen([r, g, b])),
    }
}

/// Writes a picture in characters alone, two rows to a line.
pub(crate) fn write_ramp(to: &mut impl Write, canvas: &Canvas) -> io::Result<()> {
    for y in (0..canvas.height).step_by(2) {
        let line: String = (0..canvas.width).map(|x| ramp(canvas.get(y, x), canvas.get(y + 1, x))).collect();
        writeln!(to, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Returns the character that is as light as two pixels, or as one alone.
pub(crate) fn ramp(upper: Option<[u8; 4]>, lower: Option<[u8; 4]>) -> char {
    let light = match (upper.map(light), lower.map(light)) {
        (Some(upper), Some(lower)) => upper.midpoint(lower),
        (one, other) => one.or(other).unwrap_or(0),
    };
    let step = light as usize * RAMP.len() / 256;
    RAMP.get(step).copied().map_or(' ', char::from)
}

/// Returns how light a colour looks, from 0 to 255 (Rec. 709).
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
        write_colours(&mut out, &canvas(2, &[1, 1, 2, 3]), Depth::True).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\u{1b}[38;2;1;1;1m\u{1b}[48;2;2;2;2m\u{2580}\u{1b}[48;2;3;3;3m\u{2580}\u{1b}[0m\n");
    }

    #[test]
    fn an_odd_row_has_nothing_below() {
        let mut out = Vec::new();
        write_colours(&mut out, &canvas(1, &[1, 2, 3]), Depth::True).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("\u{1b}[38;2;3;3;3m\u{1b}[49m\u{2580}\u{1b}[0m\n"), "{text:?}");
    }

    #[test]
    fn fewer_colours() {
        let text = |depth| {
            let mut out = Vec::new();
            write_colours(&mut out, &canvas(1, &[0, 255]), depth).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(Depth::Palette), "\u{1b}[38;5;16m\u{1b}[48;5;231m\u{2580}\u{1b}[0m\n");
        assert_eq!(text(Depth::Sixteen), "\u{1b}[30m\u{1b}[107m\u{2580}\u{1b}[0m\n");
    }

    #[test]
    fn without_colours() {
        let mut out = Vec::new();
        write_ramp(&mut out, &canvas(3, &[0, 128, 255, 0, 128, 255])).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), " +@\n");
    }
}
