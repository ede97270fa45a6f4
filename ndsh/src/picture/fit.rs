//! Scaling a picture to a screen.

use super::paint::{Background, Painter, Rgba};

/// Most rows, and most columns, that are averaged for one pixel.
const DEPTH: usize = 16;
/// Height of a one-row picture, and width of a one-column one, in pixels.
const BAND: usize = 16;
/// Side of a square of the checkerboard, in pixels.
const CHECK: usize = 4;

/// A picture as pixels of red, green, blue and alpha, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Canvas {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<Rgba>,
}

impl Canvas {
    /// Paints a picture pixel for pixel.
    pub(crate) fn whole(painter: &Painter<'_>) -> Self {
        Self::sized(painter, painter.plane().width(), painter.plane().height())
    }

    /// Scales a picture to fit, without changing its proportions.
    ///
    /// A small picture grows by a whole factor. In a large one the mean of several pixels becomes
    /// one.
    pub(crate) fn fit(painter: &Painter<'_>, max_width: usize, max_height: usize) -> Self {
        let (width, height) = (painter.plane().width(), painter.plane().height());
        if width == 0 || height == 0 {
            return Self { width: 0, height: 0, pixels: Vec::new() };
        }
        let (max_width, max_height) = (max_width.max(1), max_height.max(1));
        let factor = (max_width / width).min(max_height / height);
        let (mut to_width, mut to_height) = if factor >= 1 {
            (width * factor, height * factor)
        } else if width as u128 * max_height as u128 > height as u128 * max_width as u128 {
            (max_width, scaled(height, max_width, width))
        } else {
            (scaled(width, max_height, height), max_height)
        };
        if height == 1 {
            to_height = BAND.min(max_height);
        }
        if width == 1 {
            to_width = BAND.min(max_width);
        }
        Self::sized(painter, to_width, to_height)
    }

    fn sized(painter: &Painter<'_>, width: usize, height: usize) -> Self {
        let columns = parts(painter.plane().width(), width);
        let rows = parts(painter.plane().height(), height);
        let pixels = rows.flat_map(|row| columns.clone().map(move |column| mean(painter, row, column))).collect();
        Self { width, height, pixels }
    }

    /// Puts the pixels on a background, and removes alpha.
    pub(crate) fn flatten(&mut self, background: Background) {
        for (index, pixel) in self.pixels.iter_mut().enumerate() {
            let [r, g, b, alpha] = *pixel;
            let (y, x) = (index / self.width / CHECK, index % self.width / CHECK);
            let behind = match background {
                Background::Black => 0,
                Background::White => 255,
                Background::Checker if (y + x).is_multiple_of(2) => 102,
                Background::Checker => 153,
            };
            let over = |colour: u8| {
                let sum = u32::from(colour) * u32::from(alpha) + behind * (255 - u32::from(alpha));
                u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
            };
            *pixel = [over(r), over(g), over(b), 255];
        }
    }

    pub(crate) fn get(&self, y: usize, x: usize) -> Option<Rgba> {
        if x >= self.width {
            return None;
        }
        self.pixels.get(y * self.width + x).copied()
    }
}

/// Returns `len * by / of`, rounded, but at least 1.
fn scaled(len: usize, by: usize, of: usize) -> usize {
    let scaled = (len as u128 * by as u128 + of as u128 / 2) / of as u128;
    usize::try_from(scaled).unwrap_or(usize::MAX).max(1)
}

/// Cuts `len` into `count` equal ranges; each has at least one element.
fn parts(len: usize, count: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
    let cut = move |index: usize| (index as u128 * len as u128 / count.max(1) as u128) as usize;
    (0..count).map(move |index| (cut(index), cut(index + 1).max(cut(index) + 1)))
}

/// Returns the mean colour of a box of pixels, weighted by alpha.
///
/// Of a large box, a grid of pixels is enough.
fn mean(painter: &Painter<'_>, rows: (usize, usize), columns: (usize, usize)) -> Rgba {
    let grid = |(from, to): (usize, usize)| {
        let count = (to - from).min(DEPTH);
        // The middle of each part.
        (0..count).map(move |index| from + (2 * index + 1) * (to - from) / (2 * count))
    };
    let mut sum = [0_u64; 4];
    let mut count = 0;
    for y in grid(rows) {
        for x in grid(columns) {
            let [r, g, b, alpha] = painter.pixel(y, x).map(u64::from);
            for (sum, colour) in sum.iter_mut().zip([r * alpha, g * alpha, b * alpha, alpha]) {
                *sum += colour;
            }
            count += 1;
        }
    }
    let [r, g, b, alpha] = sum;
    let divide = |sum: u64, by: u64| sum.checked_add(by / 2).and_then(|sum| sum.checked_div(by)).unwrap_or(0);
    [divide(r, alpha), divide(g, alpha), divide(b, alpha), divide(alpha, count)]
        .map(|colour| u8::try_from(colour).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::{Index, Layout, Paint, Plane};
    use super::*;
    use crate::array::ArrayRef;
    use ndsharray::DType;
    use proptest::prelude::*;

    fn painter<'a>(shape: &'a [usize], bytes: &'a [u8]) -> Painter<'a> {
        let array = ArrayRef::new(DType::U8, shape, bytes);
        Painter::new(Plane::select(array, &Index::default(), Layout::Auto).unwrap(), Paint::default())
    }

    fn greys(canvas: &Canvas) -> Vec<u8> {
        canvas.pixels.iter().map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn small_pictures_grow_in_whole_multiples() {
        let canvas = Canvas::fit(&painter(&[2, 2], &[1, 2, 3, 4]), 5, 9);
        assert_eq!((canvas.width, canvas.height), (4, 4));
        assert_eq!(greys(&canvas), [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
    }

    #[test]
    fn large_pictures_shrink_to_means() {
        let canvas = Canvas::fit(&painter(&[2, 4], &[0, 10, 20, 30, 40, 50, 60, 70]), 2, 5);
        assert_eq!((canvas.width, canvas.height), (2, 1));
        assert_eq!(greys(&canvas), [25, 45]);
    }

    #[test]
    fn transparent_pixels_do_not_count() {
        let bytes = [[200, 255], [0, 0]].concat();
        let mut canvas = Canvas::fit(&painter(&[1, 2, 2], &bytes), 1, 1);
        assert_eq!(canvas.pixels, [[200, 200, 200, 128]]);
        canvas.flatten(Background::Black);
        assert_eq!(canvas.pixels, [[100, 100, 100, 255]]);
    }

    #[test]
    fn a_row_is_a_band() {
        let canvas = Canvas::fit(&painter(&[3], &[1, 2, 3]), 7, 100);
        assert_eq!((canvas.width, canvas.height), (6, BAND));
    }

    proptest! {
        #[test]
        fn any_size_fits(height in 0_usize..40, width in 0_usize..40, max_height in 0_usize..30, max_width in 0_usize..30) {
            let bytes = vec![7; height * width];
            let canvas = Canvas::fit(&painter(&[height, width], &bytes), max_width, max_height);
            prop_assert!(canvas.width <= max_width.max(1) && canvas.height <= max_height.max(1));
            prop_assert_eq!(canvas.pixels.len(), canvas.width * canvas.height);
            prop_assert_eq!(canvas.pixels.is_empty(), height * width == 0);
            prop_assert!(greys(&canvas).iter().all(|grey| *grey == 7));
        }
    }
}
