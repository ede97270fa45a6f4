//! How many colours standard output can show.

use anstream::{AutoStream, ColorChoice};
use std::io::IsTerminal;

/// Red, green and blue.
pub(crate) type Rgb = [u8; 3];

/// The number of colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// None; characters stand for light and dark.
    None,
    /// Sixteen, as on every terminal with colours.
    Sixteen,
    /// A palette of 256.
    Palette,
    /// 24 bits.
    True,
}

/// Parts of the names of terminals with 24-bit colours, which may not set `COLORTERM`.
const TRUE: [&str; 7] = ["direct", "truecolor", "kitty", "alacritty", "foot", "wezterm", "ghostty"];

/// Levels of red, green and blue in the palette's cube.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The sixteen colours, as xterm shows them.
const SIXTEEN: [Rgb; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

impl Depth {
    /// Returns the colours for standard output, by `--color`, `NO_COLOR` and the terminal.
    pub(crate) fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        if AutoStream::choice(&stdout) == ColorChoice::Never {
            return Self::None;
        }
        // In a pipe, colours were asked for, and no variable names the terminal at its end.
        if !stdout.is_terminal() {
            return Self::True;
        }
        let variable = |name| std::env::var(name).unwrap_or_default();
        Self::of_terminal(&variable("TERM"), &variable("COLORTERM"))
    }

    fn of_terminal(term: &str, color_term: &str) -> Self {
        if matches!(color_term, "truecolor" | "24bit") || TRUE.iter().any(|known| term.contains(known)) {
            Self::True
        } else if term.contains("256") {
            Self::Palette
        } else {
            Self::Sixteen
        }
    }
}

/// Whether the terminal only shows characters, judging by its name.
pub(crate) fn is_dumb() -> bool {
    std::env::var("TERM").is_ok_and(|term| term == "dumb")
}

/// Whether the user wants colours everywhere.
pub(crate) fn are_colours_forced() -> bool {
    std::env::var("CLICOLOR_FORCE").is_ok_and(|force| !force.is_empty())
}

/// Whether the terminal can move its cursor, judging by its name.
pub(crate) fn has_cursor() -> bool {
    std::env::var("TERM").is_ok_and(|term| !term.is_empty()) && !is_dumb()
}

/// Returns the nearest colour of the palette, from 16 to 255.
pub(crate) fn in_palette([r, g, b]: Rgb) -> u8 {
    let step = |part: u8| (0_u8..).zip(CUBE).min_by_key(|(_, level)| level.abs_diff(part)).unwrap_or((0, 0));
    let [(i, x), (j, y), (k, z)] = [r, g, b].map(step);
    let mean = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
    // The palette's greys go from 8 to 238 in steps of ten.
    let grey = u8::try_from((mean.saturating_sub(3) / 10).min(23)).unwrap_or(23);
    let level = 8 + 10 * grey;
    if distance([r, g, b], [x, y, z]) <= distance([r, g, b], [level; 3]) { 16 + 36 * i + 6 * j + k } else { 232 + grey }
}

/// Returns the nearest of the sixteen colours.
pub(crate) fn in_sixteen(colour: Rgb) -> u8 {
    (0_u8..).zip(SIXTEEN).min_by_key(|(_, other)| distance(colour, *other)).map_or(0, |(index, _)| index)
}

fn distance(a: Rgb, b: Rgb) -> u32 {
    a.into_iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_told_apart() {
        for (term, color_term, depth) in [
            ("xterm", "", Depth::Sixteen),
            ("linux", "", Depth::Sixteen),
            ("xterm-256color", "", Depth::Palette),
            ("screen-256color", "yes", Depth::Palette),
            ("xterm-256color", "truecolor", Depth::True),
            ("xterm-256color", "24bit", Depth::True),
            ("xterm-kitty", "", Depth::True),
            ("xterm-direct", "", Depth::True),
        ] {
            assert_eq!(Depth::of_terminal(term, color_term), depth, "{term} {color_term}");
        }
    }

    #[test]
    fn the_nearest_colours() {
        let colours = [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 250], [128, 128, 128], [100, 130, 180]];
        assert_eq!(colours.map(in_palette), [16, 231, 196, 21, 244, 67]);
        assert_eq!(colours.map(in_sixteen), [0, 15, 9, 4, 8, 8]);
    }
}
