//! Signals as curves, in dots of which eight share a character.

use super::index::Index;
use super::plane::{Axis, Layout, ONE, strides};
use crate::array::numbers::Part;
use crate::array::{ArrayRef, numbers};
use crate::output::number;
use crate::terminal::Rgb;
use ndsharray::DType;

/// Most curves in a plot.
pub(crate) const MOST: usize = 8;
/// Samples from which on an array with two axes is taken for curves.
const LONG: usize = 32;
/// Dots across and down a character.
const DOTS: [usize; 2] = [2, 4];
/// The character without dots, in Unicode's block of Braille patterns.
const BLANK: u32 = 0x2800;
/// The bits of the dots of a character, row by row.
const BITS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// Colours that most colour-blind people tell apart (Okabe and Ito), lighter ones first.
const COLOURS: [Rgb; MOST] = [
    [86, 180, 233],
    [230, 159, 0],
    [0, 158, 115],
    [240, 228, 66],
    [204, 121, 167],
    [213, 94, 0],
    [0, 114, 178],
    [200, 200, 200],
];

/// Curves in an array: one for a single axis, otherwise one for each element of the second.
#[derive(Clone, Debug)]
pub(crate) struct Curves<'a> {
    array: ArrayRef<'a>,
    first: usize,
    samples: Axis,
    series: Axis,
    fixed: Vec<Option<usize>>,
}

impl<'a> Curves<'a> {
    /// Selects the axes that `index` leaves free; `None` if the array is rather a picture.
    pub(crate) fn select(array: ArrayRef<'a>, index: &Index, layout: Layout) -> Result<Option<Self>, String> {
        let wanted = match layout {
            Layout::Curves => true,
            Layout::Auto => false,
            _ => return Ok(None),
        };
        let fixed = index.resolve(array.shape)?;
        let strides = strides(array.shape);
        let axes = array.shape.iter().zip(&strides).map(|(&len, &stride)| Axis { len, stride });
        let free: Vec<_> = axes.zip(&fixed).filter(|(_, at)| at.is_none()).map(|(axis, _)| axis).collect();
        // Pictures of one byte or two a pixel may be narrow.
        let is_picture = matches!(array.dtype(), DType::Bool | DType::U8 | DType::U16);
        let (samples, series) = match *free {
            [samples] if wanted || samples.len > 1 => (samples, ONE),
            [samples, series] if series.len <= MOST && (wanted || samples.len >= LONG && !is_picture) => {
                (samples, series)
            }
            _ if wanted => return Err(format!("curves are one axis, or two of which the second has {MOST} at most")),
            _ => return Ok(None),
        };
        let first = fixed.iter().zip(&strides).map(|(at, stride)| at.unwrap_or(0) * stride).sum();
        Ok(Some(Self { array, first, samples, series, fixed }))
    }

    pub(crate) fn array(&self) -> ArrayRef<'a> {
        self.array
    }

    /// The chosen element of each axis of the array; `None` for a whole axis.
    pub(crate) fn fixed(&self) -> &[Option<usize>] {
        &self.fixed
    }

    /// The number of curves.
    pub(crate) fn series(&self) -> usize {
        self.series.len
    }

    /// The samples of each curve.
    pub(crate) fn count(&self) -> usize {
        if self.array.shape.contains(&0) { 0 } else { self.samples.len }
    }

    /// A sample; NaN beyond the last one.
    pub(crate) fn sample(&self, series: usize, sample: usize, part: Part) -> f64 {
        let size = self.array.element.size();
        let at = self.first + sample * self.samples.stride + series * self.series.stride;
        let bytes = self.array.bytes.get(at * size..(at + 1) * size).unwrap_or(&[]);
        let mut found = f64::NAN;
        numbers::for_each(self.array.dtype(), bytes, part, |number| found = number);
        found
    }

    /// The smallest and the largest finite number.
    pub(crate) fn range(&self, part: Part) -> (f64, f64) {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for series in 0..self.series.len {
            for sample in 0..self.count() {
                let number = self.sample(series, sample, part);
                if number.is_finite() {
                    (low, high) = (low.min(number), high.max(number));
                }
            }
        }
        if low <= high { (low, high) } else { (0.0, 1.0) }
    }

    /// Draws the curves into so many columns and lines.
    pub(crate) fn plot(&self, columns: usize, lines: usize, range: (f64, f64), part: Part) -> Plot {
        let lines = lines.max(1);
        let (middle, span) = (range.0 / 2.0 + range.1 / 2.0, range.1 / 2.0 - range.0 / 2.0);
        // About zero is zero: the line stands for more numbers than one.
        let middle = if middle.abs() < span / 100.0 { 0.0 } else { middle };
        let labels = [range.1, middle, range.0].map(number);
        let margin = labels.iter().map(String::len).max().unwrap_or(0) + 1;
        // A narrow plot has no room for numbers.
        let margin = if columns > 2 * margin && lines > 2 { margin } else { 0 };
        let columns = columns.saturating_sub(margin).max(1);
        let mut plot = Plot { margin, labels, columns, lines, cells: vec![(BLANK, 0); columns * lines] };
        for series in 0..if self.count() == 0 { 0 } else { self.series.len } {
            self.draw(&mut plot, series, range, part);
        }
        plot
    }

    fn draw(&self, plot: &mut Plot, series: usize, (low, high): (f64, f64), part: Part) {
        let [width, height] = [plot.columns * DOTS[0], plot.lines * DOTS[1]];
        // Halves, so that the widest range has a finite width. A single number is in the middle.
        let span = high / 2.0 - low / 2.0;
        let row = |number: f64| {
            let place = if span > 0.0 { ((number / 2.0 - low / 2.0) / span).clamp(0.0, 1.0) } else { 0.5 };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the height")]
            let row = ((1.0 - place) * (height - 1) as f64).round() as usize;
            row
        };
        let count = self.count();
        let mut before: Option<usize> = None;
        for x in 0..width {
            let mut column: Option<[usize; 2]> = None;
            let mut last = None;
            let mut add = |number: f64| {
                last = number.is_finite().then(|| row(number));
                if let Some(row) = last {
                    let [top, bottom] = column.unwrap_or([row, row]);
                    column = Some([top.min(row), bottom.max(row)]);
                }
            };
            if count > width {
                // All samples of this column, so that no peak is lost.
                let start = x * count / width;
                (start..(x + 1) * count / width).for_each(|sample| add(self.sample(series, sample, part)));
            } else {
                add(self.between(series, x, width, part));
            }
            // The curve goes on from where it was.
            if let (Some([top, bottom]), Some(before)) = (&mut column, before) {
                *top = (*top).min(before + 1);
                *bottom = (*bottom).max(before.saturating_sub(1));
            }
            before = last;
            if let Some([top, bottom]) = column {
                (top..=bottom.min(height - 1)).for_each(|y| plot.set(x, y, series));
            }
        }
    }

    /// The number at a column, on the line between two samples.
    fn between(&self, series: usize, x: usize, width: usize, part: Part) -> f64 {
        let last = self.count().saturating_sub(1);
        let place = x * last;
        let (sample, rest) = (place / (width - 1).max(1), place % (width - 1).max(1));
        let number = self.sample(series, sample, part);
        if rest == 0 {
            return number;
        }
        let weight = rest as f64 / (width - 1) as f64;
        number * (1.0 - weight) + self.sample(series, (sample + 1).min(last), part) * weight
    }
}

/// Curves as characters.
pub(crate) struct Plot {
    /// Columns of the numbers on the left.
    margin: usize,
    /// The numbers at the top, in the middle and at the bottom.
    labels: [String; 3],
    columns: usize,
    pub(crate) lines: usize,
    /// The dots of each character, and the curve that was drawn last.
    cells: Vec<(u32, usize)>,
}

impl Plot {
    fn set(&mut self, x: usize, y: usize, series: usize) {
        let bit = BITS.get(y % DOTS[1]).and_then(|row| row.get(x % DOTS[0])).copied().unwrap_or(0);
        if let Some(cell) = self.cells.get_mut(y / DOTS[1] * self.columns + x / DOTS[0]) {
            *cell = (cell.0 | bit, series);
        }
    }

    /// The number beside a line, with blanks up to the curves.
    pub(crate) fn label(&self, line: usize) -> String {
        let [top, middle, bottom] = &self.labels;
        let label = match line {
            _ if self.margin == 0 => return String::new(),
            0 => top,
            line if line + 1 == self.lines => bottom,
            line if line == self.lines / 2 && self.lines > 4 => middle,
            _ => "",
        };
        format!("{label:>width$} ", width = self.margin - 1)
    }

    /// The characters of a line with their colours; with `plain`, without Braille patterns.
    pub(crate) fn line(&self, line: usize, plain: bool) -> impl Iterator<Item = (char, Option<Rgb>)> {
        let start = (line * self.columns).min(self.cells.len());
        let cells = self.cells.get(start..(start + self.columns).min(self.cells.len())).unwrap_or(&[]);
        cells.iter().map(move |&(dots, series)| {
            if dots == BLANK {
                return (' ', None);
            }
            let c = if plain { '*' } else { char::from_u32(dots).unwrap_or('*') };
            (c, COLOURS.get(series).copied())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn select(dtype: DType, shape: &[usize], layout: Layout) -> Result<Option<usize>, String> {
        let bytes = vec![0; shape.iter().product::<usize>() * dtype.size()];
        let array = ArrayRef::new(dtype, shape, &bytes);
        Ok(Curves::select(array, &Index::default(), layout)?.map(|curves| curves.series.len))
    }

    fn text(numbers: &[f32], columns: usize, lines: usize) -> Vec<String> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
        let shape = [numbers.len()];
        let array = ArrayRef::new(DType::F32, &shape, &bytes);
        let curves = Curves::select(array, &Index::default(), Layout::Curves).unwrap().unwrap();
        let plot = curves.plot(columns, lines, curves.range(Part::Abs), Part::Abs);
        (0..lines).map(|line| plot.label(line) + &plot.line(line, false).map(|(c, _)| c).collect::<String>()).collect()
    }

    #[test]
    fn signals_are_told_from_pictures() {
        use DType::{F32, U8};
        assert_eq!(select(F32, &[100], Layout::Auto), Ok(Some(1)));
        assert_eq!(select(U8, &[100], Layout::Auto), Ok(Some(1)));
        assert_eq!(select(F32, &[100, 8], Layout::Auto), Ok(Some(8)));
        for (dtype, shape) in
            [(F32, &[][..]), (F32, &[1]), (F32, &[100, 9]), (F32, &[3, 3]), (U8, &[100, 3]), (F32, &[9, 9, 9])]
        {
            assert_eq!(select(dtype, shape, Layout::Auto), Ok(None), "{dtype} {shape:?}");
        }
        assert_eq!(select(U8, &[4, 3], Layout::Curves), Ok(Some(3)));
        assert_eq!(select(F32, &[100], Layout::Plane), Ok(None));
        assert!(select(F32, &[9, 9], Layout::Curves).is_err() && select(F32, &[], Layout::Curves).is_err());
    }

    #[test]
    fn curves_go_from_sample_to_sample() {
        // Four dots across and four down: one for each column.
        assert_eq!(text(&[0.0, 1.0], 2, 1), ["\u{2860}\u{280a}"]);
        let rising = text(&[0.0, 1.0, 2.0, 3.0], 20, 5);
        assert!(rising[0].trim_start().starts_with("3 "), "{rising:?}");
        assert!(rising[4].trim_start().starts_with('0'), "{rising:?}");
        // A single peak among many samples is drawn.
        let mut many = vec![0.0; 10_000];
        many[7_777] = 1.0;
        assert!(text(&many, 10, 1).concat().chars().any(|c| (u32::from(c) - BLANK) & 0x09 != 0));
    }

    #[test]
    fn numbers_that_are_none_leave_a_gap() {
        let is_blank = |line: &str| line.chars().all(|c| c == ' ');
        // One number alone is drawn in the middle, and has a range of its own.
        let flat = text(&[7.5; 20], 20, 5);
        assert!(flat[0].starts_with("7.5") && flat[4].starts_with("7.5"), "{flat:?}");
        let curve = |line: &str| line.chars().any(|c| c > '\u{2800}');
        assert_eq!(flat.iter().map(|line| curve(line)).collect::<Vec<_>>(), [false, false, true, false, false]);
        for nothing in [&[][..], &[f32::NAN; 30], &[f32::INFINITY; 30], &[f32::NEG_INFINITY, f32::NAN]] {
            assert!(text(nothing, 4, 2).iter().all(|line| is_blank(line)), "{nothing:?}");
        }
        // The curve is there on both sides of the gap, and the range is that of its numbers.
        for gap in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let numbers: Vec<f32> =
                (0..30_u8).map(|i| if (10..20).contains(&i) { gap } else { f32::from(i) }).collect();
            let found = text(&numbers, 15, 1).concat();
            let columns: Vec<bool> = found.chars().map(|c| c != ' ').collect();
            assert_eq!((columns[0], columns[7], columns[14]), (true, false, true), "{gap}: {found:?}");
        }
        let widest = text(&[f32::MIN, f32::MAX, f32::MIN], 30, 5);
        assert!(curve(&widest[0]) && curve(&widest[4]), "{widest:?}");
    }

    proptest! {
        #[test]
        fn any_numbers_have_a_plot(bits: Vec<u32>, columns in 0_usize..40, lines in 1_usize..9) {
            // All numbers, and those that are none.
            let numbers: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
            let found = text(&numbers, columns, lines);
            prop_assert!(found.iter().all(|line| line.chars().count() <= columns.max(1)), "{:?}", found);
        }
    }
}
