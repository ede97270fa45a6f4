//! The colours of a picture.

use super::plane::Plane;
use crate::array::numbers::{Part, is_complex};
use clap::ValueEnum;
use ndsharray::DType;

/// Red, green, blue, alpha.
pub(crate) type Rgba = [u8; 4];

/// Colour scales for pictures with one number a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colormap {
    /// Black to white; NaN is red
    Grey,
    /// Dark blue over green to yellow, in even steps; NaN grey, infinities white and black
    Viridis,
    /// Black over red to pale yellow
    Inferno,
    /// Black over purple to pale yellow
    Magma,
    /// Blue over red to yellow
    Plasma,
    /// Blue over grey to yellow, alike for most colour-blind people
    Cividis,
    /// Rainbow
    Turbo,
    /// Blue over white to red
    Diverging,
    /// Around the colour circle
    Cyclic,
}

/// What shows through transparent pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Background {
    /// A checkerboard of greys
    #[default]
    Checker,
    Black,
    White,
}

/// The user's choices for painting.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Paint {
    pub(crate) part: Part,
    pub(crate) range: Option<(f64, f64)>,
    pub(crate) colormap: Option<Colormap>,
}

/// Computes the colour of each pixel.
pub(crate) struct Painter<'a> {
    plane: Plane<'a>,
    part: Part,
    range: (f64, f64),
    /// For pictures with one number a pixel.
    scale: Option<Scale>,
}

/// Colours for numbers from 0 to 1, and for numbers that are not finite.
struct Scale {
    colours: [Rgba; 256],
    nan: Rgba,
    above: Rgba,
    below: Rgba,
}

impl<'a> Painter<'a> {
    pub(crate) fn new(plane: Plane<'a>, paint: Paint) -> Self {
        let part = paint.part;
        let range = paint.range.unwrap_or_else(|| range(&plane, part));
        let colormap = paint.colormap.unwrap_or(match plane.dtype() {
            DType::Bool | DType::U8 | DType::U16 => Colormap::Grey,
            dtype if is_complex(dtype) && part == Part::Phase => Colormap::Cyclic,
            _ => Colormap::Viridis,
        });
        let scale = (plane.colours() == 1).then(|| Scale::new(colormap));
        Self { plane, part, range, scale }
    }

    pub(crate) fn plane(&self) -> &Plane<'a> {
        &self.plane
    }

    /// Returns the numbers at the ends of the scale.
    pub(crate) fn range(&self) -> (f64, f64) {
        self.range
    }

    pub(crate) fn pixel(&self, y: usize, x: usize) -> Rgba {
        let (numbers, colours) = self.plane.pixel(y, x, self.part);
        if let Some(scale) = &self.scale {
            let [number, ..] = numbers;
            return scale.colour(number, self.place(number));
        }
        let [r, g, b, a] = numbers.map(|number| byte(self.place(number)));
        match colours {
            2 => [r, r, r, g],
            3 => [r, g, b, u8::MAX],
            _ => [r, g, b, a],
        }
    }

    /// Returns the place of a number in the range, from 0 to 1.
    fn place(&self, number: f64) -> f64 {
        let (low, high) = self.range;
        // Halves, so that the widest range has a finite width.
        let width = high / 2.0 - low / 2.0;
        if width > 0.0 {
            ((number / 2.0 - low / 2.0) / width).clamp(0.0, 1.0)
        } else {
            // A single number gets the middle of the scale, but zeroes stay dark.
            match number.total_cmp(&low) {
                std::cmp::Ordering::Less => 0.0,
                std::cmp::Ordering::Equal if low == 0.0 => 0.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Greater => 1.0,
            }
        }
    }
}

/// Chooses the range of a picture, if the user gave none.
fn range(plane: &Plane<'_>, part: Part) -> (f64, f64) {
    let found = || {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        plane.for_each(part, |number| {
            if number.is_finite() {
                low = low.min(number);
                high = high.max(number);
            }
        });
        if low <= high { (low, high) } else { (0.0, 1.0) }
    };
    match plane.dtype() {
        DType::Bool => (0.0, 1.0),
        DType::U8 => (0.0, 255.0),
        DType::U16 if plane.colours() > 1 => (0.0, 65_535.0),
        dtype if is_complex(dtype) && part == Part::Phase => (-std::f64::consts::PI, std::f64::consts::PI),
        // Floating-point colours go from 0 to 1, or from 0 to 255.
        _ if plane.colours() > 1 => match found() {
            (low, high) if low >= 0.0 && high <= 1.0 => (0.0, 1.0),
            (low, high) if low >= 0.0 && high <= 255.0 => (0.0, 255.0),
            other => other,
        },
        _ => found(),
    }
}

impl Scale {
    fn new(colormap: Colormap) -> Self {
        let mut colours = [[0; 4]; 256];
        for (index, colour) in (0..=u8::MAX).zip(&mut colours) {
            *colour = colormap.at(index);
        }
        let first = colormap.at(0);
        let last = colormap.at(u8::MAX);
        let (white, black) = ([255; 4], [0, 0, 0, 255]);
        match colormap {
            Colormap::Grey => Self { colours, nan: [200, 30, 30, 255], above: last, below: first },
            _ => Self { colours, nan: [128, 128, 128, 255], above: white, below: black },
        }
    }

    fn colour(&self, number: f64, place: f64) -> Rgba {
        if number.is_nan() {
            self.nan
        } else if number.is_infinite() {
            if number > 0.0 { self.above } else { self.below }
        } else {
            self.colours.get(usize::from(byte(place))).copied().unwrap_or(self.nan)
        }
    }
}

impl Colormap {
    /// The colour of a place in the scale, from 0 to 255.
    pub(crate) fn at(self, index: u8) -> Rgba {
        let gradient = match self {
            Self::Grey => return [index, index, index, 255],
            Self::Viridis => colorous::VIRIDIS,
            Self::Inferno => colorous::INFERNO,
            Self::Magma => colorous::MAGMA,
            Self::Plasma => colorous::PLASMA,
            Self::Cividis => colorous::CIVIDIS,
            Self::Turbo => colorous::TURBO,
            Self::Diverging => colorous::RED_BLUE,
            Self::Cyclic => colorous::SINEBOW,
        };
        let place = f64::from(index) / 255.0;
        // Its gradient begins with red.
        let colour = gradient.eval_continuous(if self == Self::Diverging { 1.0 - place } else { place });
        [colour.r, colour.g, colour.b, 255]
    }
}

/// Scales 0..1 to 0..255; NaN becomes 0.
fn byte(place: f64) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 255")]
    let byte = (place * 255.0).round() as u8;
    byte
}

#[cfg(test)]
mod tests {
    use super::super::{Index, Layout};
    use super::*;
    use crate::array::ArrayRef;

    fn paint(dtype: DType, shape: &[usize], bytes: &[u8], paint: Paint) -> Vec<Rgba> {
        let plane = Plane::select(ArrayRef::new(dtype, shape, bytes), &Index::default(), Layout::Auto).unwrap();
        let painter = Painter::new(plane, paint);
        let (height, width) = (painter.plane().height(), painter.plane().width());
        (0..height).flat_map(|y| (0..width).map(move |x| (y, x))).map(|(y, x)| painter.pixel(y, x)).collect()
    }

    fn floats(numbers: &[f32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
    }

    #[test]
    fn bytes_are_colours() {
        assert_eq!(paint(DType::U8, &[1, 2], &[0, 200], Paint::default()), [[0, 0, 0, 255], [200, 200, 200, 255]]);
        assert_eq!(paint(DType::U8, &[1, 1, 2], &[9, 7], Paint::default()), [[9, 9, 9, 7]]);
        assert_eq!(paint(DType::U8, &[1, 1, 3], &[1, 2, 3], Paint::default()), [[1, 2, 3, 255]]);
        assert_eq!(paint(DType::U8, &[1, 1, 4], &[1, 2, 3, 4], Paint::default()), [[1, 2, 3, 4]]);
        assert_eq!(paint(DType::Bool, &[2], &[0, 1], Paint::default()), [[0, 0, 0, 255], [255; 4]]);
    }

    #[test]
    fn floats_have_a_heat_map_over_their_range() {
        let pixels = paint(
            DType::F32,
            &[5],
            &floats(&[-1.0, 3.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY]),
            Paint::default(),
        );
        // The ends of viridis as its authors have them, 440154 and fde725.
        assert_eq!(
            pixels,
            [[0x44, 0x01, 0x54, 255], [0xfd, 0xe7, 0x25, 255], [128, 128, 128, 255], [255; 4], [0, 0, 0, 255]]
        );
    }

    #[test]
    fn colours_as_floats() {
        assert_eq!(paint(DType::F32, &[1, 1, 3], &floats(&[0.0, 0.5, 1.0]), Paint::default()), [[0, 128, 255, 255]]);
        assert_eq!(paint(DType::F32, &[1, 1, 3], &floats(&[0.0, 51.0, 255.0]), Paint::default()), [[0, 51, 255, 255]]);
        assert_eq!(
            paint(DType::F32, &[1, 1, 3], &floats(&[f32::NAN, -1.0, 1.0]), Paint::default()),
            [[0, 0, 255, 255]]
        );
    }

    #[test]
    fn ranges_and_maps_can_be_given() {
        let grey = Paint { range: Some((0.0, 100.0)), colormap: Some(Colormap::Grey), ..Paint::default() };
        assert_eq!(paint(DType::F32, &[2], &floats(&[20.0, 1000.0]), grey), [[51, 51, 51, 255], [255; 4]]);
    }

    #[test]
    fn one_number_alone() {
        let grey = Paint { colormap: Some(Colormap::Grey), ..Paint::default() };
        assert_eq!(paint(DType::F32, &[2], &floats(&[7.0, 7.0]), grey), [[128, 128, 128, 255]; 2]);
        assert_eq!(paint(DType::F32, &[1], &floats(&[f32::NAN]), grey), [[200, 30, 30, 255]]);
    }
}
