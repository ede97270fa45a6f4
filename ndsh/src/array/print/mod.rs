//! Arrays as text: as NumPy prints them, as CSV, and as JSON.

mod csv;
mod decimal;
mod json;
mod word;

pub(crate) use csv::write as write_csv;
pub(crate) use json::write as write_json;

use super::element::Kind;
use super::selection::{Axis, Selected};
use word::Words;

/// Elements from which on an array is summarised.
const THRESHOLD: usize = 1000;
/// Elements to show at each end of an axis of a summarised array.
const EDGE: usize = 3;
/// Columns of a line.
const WIDTH: usize = 75;
/// NumPy's default digits behind the point.
pub(crate) const PRECISION: usize = 8;

/// Formats an array as `print` does in Python; with `full`, without a summary.
pub(crate) fn as_numpy(array: &Selected<'_>, precision: Option<usize>, full: bool) -> String {
    let Some(kind) = array.kind().map(|entry| &entry.kind) else {
        return format!("elements of {}, which is newer than this program", array.array().element);
    };
    if array.axes().is_empty() {
        return array.element(array.first()).map_or_else(String::new, |one| word::scalar(&one, kind, precision));
    }
    if array.len() == 0 {
        return "[]".to_owned();
    }
    let summary = !full && array.len() > THRESHOLD;
    let words = words(array, kind, precision.unwrap_or(PRECISION), summary);
    Printer { array, words, summary }.axis(array.axes(), array.first(), " ", WIDTH)
}

/// Chooses the layout by the elements that will be shown.
fn words(array: &Selected<'_>, kind: &Kind, precision: usize, summary: bool) -> Words {
    let mut elements = Vec::new();
    shown(array.axes(), array.first(), summary, &mut |place| elements.extend(array.element(place)));
    Words::new(kind, &elements, precision)
}

/// Calls `visit` with the place of each element that is shown.
fn shown(axes: &[Axis], place: isize, summary: bool, visit: &mut impl FnMut(isize)) {
    let Some((axis, rest)) = axes.split_first() else { return visit(place) };
    for index in
        (0..axis.len).filter(|index| !summary || axis.len <= 2 * EDGE || !(EDGE..axis.len - EDGE).contains(index))
    {
        shown(rest, place + index.cast_signed() * axis.stride, summary, visit);
    }
}

/// Puts words into lines and brackets.
struct Printer<'a> {
    array: &'a Selected<'a>,
    words: Words,
    summary: bool,
}

impl Printer<'_> {
    /// Formats the part of the array along `axes`, with lines of `width` columns.
    fn axis(&self, axes: &[Axis], place: isize, indent: &str, width: usize) -> String {
        let Some((axis, rest)) = axes.split_first() else {
            return self.array.element(place).map_or_else(String::new, |element| self.words.word(&element));
        };
        let deeper = format!("{indent} ");
        let part = |index: usize| self.axis(rest, place + index.cast_signed() * axis.stride, &deeper, width - 1);
        let cut = self.summary && axis.len > 2 * EDGE;
        let (first, last) = if cut { (EDGE, axis.len - EDGE) } else { (0, 0) };
        let front = (0..first).map(|index| Some(part(index)));
        let words = front.chain(cut.then_some(None)).chain((last..axis.len).map(|index| Some(part(index))));
        let words = words.map(|word| word.unwrap_or_else(|| "...".to_owned()));
        let mut text = String::new();
        if rest.is_empty() {
            let mut line = indent.to_owned();
            for (count, word) in words.enumerate() {
                if count > 0 {
                    line.push(' ');
                }
                // The closing bracket must find room too.
                if line.chars().count() + word.chars().count() > width - 1 && line.len() > indent.len() {
                    text.push_str(line.trim_end());
                    text.push('\n');
                    indent.clone_into(&mut line);
                }
                line.push_str(&word);
            }
            text.push_str(&line);
        } else {
            let between = "\n".repeat(rest.len());
            let lines: Vec<_> = words.map(|word| format!("{indent}{word}")).collect();
            text = lines.join(&between);
        }
        format!("[{}]", text.get(indent.len()..).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::ArrayRef;
    use crate::array::selection::Selection;
    use ndsharray::DType;

    fn text(dtype: DType, shape: &[usize], bytes: &[u8]) -> String {
        let all = Selection::default();
        as_numpy(&all.of(ArrayRef::new(dtype, shape, bytes)).unwrap(), None, false)
    }

    fn floats(shape: &[usize], numbers: &[f64]) -> String {
        text(DType::F64, shape, &numbers.iter().flat_map(|number| number.to_ne_bytes()).collect::<Vec<_>>())
    }

    #[test]
    fn numbers_line_up() {
        assert_eq!(floats(&[3], &[1.0, -2.5, 100.0]), "[  1.   -2.5 100. ]");
        assert_eq!(floats(&[2], &[1e-5, 1.0]), "[1.e-05 1.e+00]");
        assert_eq!(floats(&[3], &[f64::NAN, f64::NEG_INFINITY, 1.5]), "[ nan -inf  1.5]");
        assert_eq!(floats(&[2, 2], &[1.0, 2.0, 3.0, 4.0]), "[[1. 2.]\n [3. 4.]]");
        assert_eq!(
            (floats(&[], &[0.1]), floats(&[0], &[]), floats(&[], &[1e16])),
            ("0.1".into(), "[]".into(), "1e+16".into())
        );
        assert_eq!(text(DType::U8, &[3], &[1, 20, 255]), "[  1  20 255]");
        assert_eq!(text(DType::Bool, &[2], &[1, 0]), "[ True False]");
    }

    #[test]
    fn many_elements_are_summarised() {
        let bytes: Vec<u8> = (0..2000_u32).flat_map(u32::to_ne_bytes).collect();
        assert_eq!(text(DType::U32, &[2000], &bytes), "[   0    1    2 ... 1997 1998 1999]");
    }
}
