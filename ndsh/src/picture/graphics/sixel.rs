//! Sixels, as the VT340 had them: six rows of pixels in a line of text, in up to 256 colours.

use crate::picture::Canvas;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Most colours of a picture.
const COLOURS: usize = 256;
/// Levels of red, green and blue where a picture has more colours. The eye sees green best.
const LEVELS: [usize; 3] = [6, 7, 6];
/// Rows that share a line.
const ROWS: usize = 6;
/// Thresholds that spread the error of coarse colours evenly (Bayer's matrix).
const THRESHOLDS: [[u32; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];

type Rgb = [u8; 3];

pub(super) fn write(to: &mut impl Write, canvas: &Canvas) -> io::Result<()> {
    let width = canvas.width.max(1);
    let (palette, indices) = exact(canvas).unwrap_or_else(|| dithered(canvas));
    // Pixels that are not set stay as they are: those below the last row.
    write!(to, "\u{1b}P0;1;0q\"1;1;{};{}", canvas.width, canvas.height)?;
    for (index, [r, g, b]) in palette.iter().enumerate() {
        let [r, g, b] = [r, g, b].map(|part| (u32::from(*part) * 100 + 127) / 255);
        write!(to, "#{index};2;{r};{g};{b}")?;
    }
    let mut lines: Vec<Vec<u8>> = palette.iter().map(|_| Vec::new()).collect();
    for band in indices.chunks(width * ROWS) {
        for (row, bit) in band.chunks(width).zip(0..) {
            for (x, index) in row.iter().enumerate() {
                let Some(line) = lines.get_mut(usize::from(*index)) else { continue };
                line.resize(width, 0);
                if let Some(bits) = line.get_mut(x) {
                    *bits |= 1 << bit;
                }
            }
        }
        let mut is_first = true;
        for (index, line) in lines.iter_mut().enumerate().filter(|(_, line)| !line.is_empty()) {
            // Each colour starts at the left again.
            let back = if std::mem::take(&mut is_first) { "" } else { "$" };
            write!(to, "{back}#{index}")?;
            write_line(to, line)?;
            line.clear();
        }
        to.write_all(b"-")?;
    }
    to.write_all(b"\x1b\\")
}

/// Writes the sixels of one colour, with a count before those that repeat.
fn write_line(to: &mut impl Write, line: &[u8]) -> io::Result<()> {
    for run in line.chunk_by(|a, b| a == b) {
        let sixel = char::from(b'?' + run.first().copied().unwrap_or(0));
        match run.len() {
            1 => write!(to, "{sixel}")?,
            count => write!(to, "!{count}{sixel}")?,
        }
    }
    Ok(())
}

/// The picture in its own colours; `None` if it has too many.
fn exact(canvas: &Canvas) -> Option<(Vec<Rgb>, Vec<u8>)> {
    let mut numbers = BTreeMap::new();
    let mut palette = Vec::new();
    let mut indices = Vec::with_capacity(canvas.pixels.len());
    let mut last = None;
    for &[r, g, b, _] in &canvas.pixels {
        let colour = [r, g, b];
        let index = match last {
            Some((same, index)) if same == colour => index,
            _ => match numbers.get(&colour) {
                Some(index) => *index,
                None if palette.len() < COLOURS => {
                    let index = u8::try_from(palette.len()).ok()?;
                    palette.push(colour);
                    numbers.insert(colour, index);
                    index
                }
                None => return None,
            },
        };
        last = Some((colour, index));
        indices.push(index);
    }
    Some((palette, indices))
}

/// The picture in the colours of a cube, whose coarse steps a pattern blurs.
fn dithered(canvas: &Canvas) -> (Vec<Rgb>, Vec<u8>) {
    let [reds, greens, blues] = LEVELS;
    let level = |at: usize, levels: usize| u8::try_from(at * 255 / (levels - 1)).unwrap_or(u8::MAX);
    let palette = (0..reds * greens * blues)
        .map(|i| [level(i / blues / greens, reds), level(i / blues % greens, greens), level(i % blues, blues)])
        .collect();
    let width = canvas.width.max(1);
    let place = |i: usize| THRESHOLDS.get(i / width % 4).and_then(|row| row.get(i % width % 4)).copied().unwrap_or(0);
    let indices = canvas.pixels.iter().enumerate().map(|(i, [r, g, b, _])| {
        // From 1/32 to 31/32 of a step.
        let threshold = place(i) * 2 + 1;
        let [r, g, b] = [(r, reds), (g, greens), (b, blues)].map(|(part, levels)| {
            let fine = u32::from(*part) * (u32::try_from(levels).unwrap_or(2) - 1) * 32 / 255;
            ((fine + threshold) / 32).min(u32::try_from(levels).unwrap_or(2) - 1) as usize
        });
        u8::try_from((r * greens + g) * blues + b).unwrap_or(u8::MAX)
    });
    (palette, indices.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(width: usize, pixels: Vec<[u8; 4]>) -> String {
        let mut out = Vec::new();
        write(&mut out, &Canvas { width, height: pixels.len() / width, pixels }).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn six_rows_make_a_line() {
        let (red, blue) = ([255, 0, 0, 255], [0, 0, 255, 255]);
        // Seven rows of three pixels: red, but for the last pixel of each row.
        let pixels = (0..21).map(|i| if i % 3 == 2 { blue } else { red }).collect();
        assert_eq!(
            written(3, pixels),
            "\u{1b}P0;1;0q\"1;1;3;7#0;2;100;0;0#1;2;0;0;100#0!2~?$#1!2?~-#0!2@?$#1!2?@-\u{1b}\\"
        );
    }

    #[test]
    fn more_colours_than_fit_are_mixed() {
        let pixels: Vec<_> = (0..64_u8).flat_map(|y| (0..64_u8).map(move |x| [x * 4, y * 4, 99, 255])).collect();
        let canvas = Canvas { width: 64, height: 64, pixels };
        assert!(exact(&canvas).is_none());
        let (palette, indices) = dithered(&canvas);
        assert!(palette.len() <= COLOURS && indices.len() == 64 * 64);
        // Over squares of eight pixels, the mean colour is the picture's.
        for (y, x) in [(0, 0), (0, 56), (32, 32), (56, 56), (56, 0)] {
            let square = (0..8).flat_map(|dy| (0..8).map(move |dx| (y + dy) * 64 + x + dx));
            let mean = |of: &dyn Fn(usize) -> u8| square.clone().map(|i| f64::from(of(i))).sum::<f64>() / 64.0;
            for part in [0, 1, 2] {
                let wanted = mean(&|i| canvas.pixels[i][part]);
                let found = mean(&|i| palette[usize::from(indices[i])][part]);
                assert!((wanted - found).abs() < 8.0, "{y} {x} {part}: {wanted} {found}");
            }
        }
        let grey = |grey: u8| dithered(&Canvas { width: 4, height: 4, pixels: vec![[grey, grey, grey, 255]; 16] });
        for end in [0, 255] {
            let (palette, indices) = grey(end);
            assert!(indices.iter().all(|i| palette[usize::from(*i)] == [end; 3]), "black and white stay what they are");
        }
    }
}
