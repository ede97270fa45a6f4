//! Values to try things out with: moving bars, or a chirp.

use crate::array::Array;
use ndsharray::DType;
use std::f64::consts::TAU;
use std::str::FromStr;
use std::time::Duration;

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// Moving bars in colour, with a clock and a counter: uint8 (height, width, 3).
    Bars { width: usize, height: usize },
    /// A tone that rises, and moves: float32 (samples,).
    Chirp { samples: usize },
}

/// Largest side of a picture, and most samples.
const MOST: usize = 16_384;

/// White, yellow, cyan, green, magenta, red, blue, black, as television has them.
const BARS: [[u8; 3]; 8] = [
    [235, 235, 235],
    [235, 235, 16],
    [16, 235, 235],
    [16, 235, 16],
    [235, 16, 235],
    [235, 16, 16],
    [16, 16, 235],
    [16, 16, 16],
];

/// Three times five pixels for each of `0123456789:.`, a row in three bits.
const GLYPHS: [[u8; 5]; 12] = [
    [7, 5, 5, 5, 7],
    [2, 6, 2, 2, 7],
    [7, 1, 7, 4, 7],
    [7, 1, 7, 1, 7],
    [5, 5, 7, 1, 1],
    [7, 4, 7, 1, 7],
    [7, 4, 7, 5, 7],
    [7, 1, 1, 1, 1],
    [7, 5, 7, 5, 7],
    [7, 5, 7, 1, 7],
    [0, 2, 0, 2, 0],
    [0, 0, 0, 0, 2],
];

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let side = |text: &str| {
            let side = text.parse().ok().filter(|side| (1..=MOST).contains(side));
            side.ok_or_else(|| format!("{text:?} is not a number from 1 to {MOST}"))
        };
        match text.split_once('x') {
            Some((width, height)) => Ok(Self::Bars { width: side(width)?, height: side(height)? }),
            None => side(text).map(|samples| Self::Chirp { samples }),
        }
    }
}

impl Pattern {
    /// Makes the value with this number, which counts from 0, at this time of the day.
    pub(super) fn value(self, number: u64, day: Duration) -> Array {
        match self {
            Self::Bars { width, height } => bars(width, height, number, day),
            Self::Chirp { samples } => chirp(samples, number),
        }
    }
}

fn bars(width: usize, height: usize, number: u64, day: Duration) -> Array {
    // A hundredth of the width for each picture, at least one pixel.
    let shift = usize::try_from(number % 1_000_000).unwrap_or(0) * width.div_ceil(100);
    let colour = |x: usize| BARS.get((x + shift) % width * BARS.len() / width).copied().unwrap_or_default();
    let row: Vec<u8> = (0..width).flat_map(colour).collect();
    let mut bytes = row.repeat(height);
    let seconds = day.as_secs();
    let clock =
        format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60, day.subsec_millis());
    // The longer text takes two thirds of the width.
    let scale = (width / (clock.len() * 6)).min(height / 16).max(1);
    for (line, text) in [(0, clock), (1, number.to_string())] {
        write(&mut bytes, [width, height], [scale, scale + line * 7 * scale], scale, &text);
    }
    Array::new(DType::U8, vec![height, width, 3], bytes)
}

/// Writes a text into a picture, white on black, with its upper left corner at `x`, `y`.
fn write(bytes: &mut [u8], [width, height]: [usize; 2], [x, y]: [usize; 2], scale: usize, text: &str) {
    let glyphs: Vec<_> = text.chars().filter_map(|c| "0123456789:.".find(c)).filter_map(|at| GLYPHS.get(at)).collect();
    for row in 0..7 * scale {
        for column in 0..(glyphs.len() * 4 + 1) * scale {
            let (across, down) = (column / scale, row / scale);
            // A border of one pixel of the text's size surrounds each character.
            let bits = across.checked_sub(1).and_then(|across| glyphs.get(across / 4)).zip(down.checked_sub(1));
            let bits = bits.and_then(|(glyph, down)| glyph.get(down)).copied().unwrap_or(0);
            let is_lit = across > 0 && (across - 1) % 4 < 3 && bits >> (2 - (across - 1) % 4) & 1 == 1;
            let (x, y) = (x + column, y + row);
            if x < width
                && y < height
                && let Some(pixel) = bytes.get_mut((y * width + x) * 3..(y * width + x) * 3 + 3)
            {
                pixel.fill(if is_lit { 255 } else { 0 });
            }
        }
    }
}

fn chirp(samples: usize, number: u64) -> Array {
    let count = samples as f64;
    // From two periods in the window up to one in eight samples.
    let (low, high) = (2.0, (count / 8.0).max(2.0));
    let phase = (number % 100) as f64 / 100.0;
    let sample = |index: usize| {
        let x = index as f64 / count;
        #[expect(clippy::cast_possible_truncation, reason = "float32 rounds")]
        let sample = (TAU * (low * x + (high - low) * x * x / 2.0 - phase)).sin() as f32;
        sample.to_ne_bytes()
    };
    Array::new(DType::F32, vec![samples], (0..samples).flat_map(sample).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::byte_len;

    #[test]
    fn patterns_have_their_size() {
        for (text, dtype, shape) in
            [("64x48", DType::U8, vec![48, 64, 3]), ("1x1", DType::U8, vec![1, 1, 3]), ("100", DType::F32, vec![100])]
        {
            let pattern: Pattern = text.parse().unwrap();
            for number in [0, 1, u64::MAX] {
                let array = pattern.value(number, Duration::from_secs(86_399));
                assert_eq!((array.dtype(), &array.shape), (dtype, &shape), "{text}");
                assert_eq!(Some(array.bytes.len()), byte_len(dtype, &shape), "{text}");
            }
        }
        for bad in ["", "0", "x", "64x", "64x0", "64x48x3", "16385", "-1"] {
            assert!(bad.parse::<Pattern>().is_err(), "{bad}");
        }
    }

    #[test]
    fn pictures_move_and_count() {
        let at = |number, day| bars(160, 120, number, Duration::from_secs(day)).bytes;
        assert_eq!(at(3, 7), at(3, 7));
        assert_ne!(at(3, 7), at(4, 7), "the bars and the counter");
        assert_ne!(at(3, 7), at(3, 8), "the clock");
        // The upper left pixel of the clock's first digit, a 0.
        let bytes = at(0, 0);
        let scale = 160 / 72;
        assert_eq!(bytes[(2 * scale * 160 + 2 * scale) * 3..][..3], [255; 3]);
        assert_ne!(chirp(100, 0).bytes, chirp(100, 1).bytes);
    }
}
