//! The elements of an array that are the pixels of a picture.

use super::index::Index;
use crate::array::numbers::Part;
use crate::array::{ArrayRef, numbers};
use clap::ValueEnum;
use ndsharray::DType;
use serde::Deserialize;

/// The meaning of the last axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Layout {
    /// Curves for signals; colours if the dtype and a last axis of 1 to 4 suit; else a plane
    #[default]
    Auto,
    /// Rows and columns: each element is a pixel
    Plane,
    /// Rows, columns, colours: an axis of 1 to 4 colours comes last
    Hwc,
    /// Colours, rows, columns: an axis of 1 to 4 colours comes first
    Chw,
    /// Curves: one axis of samples, and perhaps one of up to 8 curves
    Curves,
}

/// An axis: its length, and the distance of its neighbours in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) len: usize,
    pub(super) stride: usize,
}

pub(super) const ONE: Axis = Axis { len: 1, stride: 0 };

/// A picture in an array: rows, columns and colours.
///
/// 1 colour is grey, 2 are grey and alpha, 3 are red, green and blue, 4 have alpha too.
#[derive(Clone, Debug)]
pub(crate) struct Plane<'a> {
    array: ArrayRef<'a>,
    first: usize,
    rows: Axis,
    columns: Axis,
    colours: Axis,
    /// For each axis of the array the chosen element; `None` for the whole axis.
    fixed: Vec<Option<usize>>,
    /// The axes that are rows, columns and colours.
    axes: [Option<usize>; 3],
}

impl<'a> Plane<'a> {
    /// Selects the axes that `index` leaves free.
    ///
    /// Of an axis too many, the first element is shown.
    pub(crate) fn select(array: ArrayRef<'a>, index: &Index, layout: Layout) -> Result<Self, String> {
        let mut fixed = index.resolve(array.shape)?;
        let free = |fixed: &[Option<usize>]| -> Vec<usize> {
            fixed.iter().enumerate().filter(|(_, at)| at.is_none()).map(|(axis, _)| axis).collect()
        };
        let len = |axis: usize| array.shape.get(axis).copied().unwrap_or(0);
        let mut axes = free(&fixed);
        let colours = match layout {
            Layout::Plane => None,
            Layout::Hwc => Some(axes.pop().ok_or("there is no axis of colours")?),
            Layout::Chw if axes.len() < 3 => {
                return Err("there is no axis of colours before rows and columns".to_owned());
            }
            Layout::Chw => axes.len().checked_sub(3).map(|place| axes.remove(place)),
            Layout::Auto | Layout::Curves => match *axes {
                [.., _, _, last] if is_colour(array.dtype(), len(last)) => axes.pop(),
                // Rows of one or two pixels show nothing, so a short last axis is fixed instead.
                [.., _, _, last] if len(last) == 1 || len(last) == 2 => {
                    axes.pop();
                    fix(&mut fixed, last);
                    None
                }
                _ => None,
            },
        };
        if let Some(axis) = colours
            && !(1..=4).contains(&len(axis))
        {
            return Err(format!("an axis of {} is none of 1 to 4 colours", len(axis)));
        }
        while axes.len() > 2 {
            fix(&mut fixed, axes.remove(0));
        }
        let strides = strides(array.shape);
        let axis = |axis: Option<usize>| {
            axis.map_or(ONE, |axis| Axis { len: len(axis), stride: strides.get(axis).copied().unwrap_or(0) })
        };
        let (column, row) = (axes.pop(), axes.pop());
        let axes = [row, column, colours];
        let [rows, columns, colours] = axes.map(axis);
        let first = fixed.iter().zip(&strides).map(|(at, stride)| at.unwrap_or(0) * stride).sum();
        Ok(Self { array, first, rows, columns, colours, fixed, axes })
    }

    pub(crate) fn dtype(&self) -> DType {
        self.array.dtype()
    }

    /// The shape of the whole array.
    pub(crate) fn shape(&self) -> &'a [usize] {
        self.array.shape
    }

    pub(crate) fn height(&self) -> usize {
        if self.is_empty() { 0 } else { self.rows.len }
    }

    pub(crate) fn width(&self) -> usize {
        if self.is_empty() { 0 } else { self.columns.len }
    }

    pub(crate) fn colours(&self) -> usize {
        self.colours.len
    }

    fn is_empty(&self) -> bool {
        self.array.shape.contains(&0)
    }

    /// The chosen element of each axis of the array; `None` for a whole axis.
    pub(crate) fn fixed(&self) -> &[Option<usize>] {
        &self.fixed
    }

    /// The axes of the array that are rows, columns and colours, where it has them.
    pub(crate) fn axes(&self) -> [Option<usize>; 3] {
        self.axes
    }

    /// Where a row begins, and the distances of its pixels and of their colours, in elements.
    pub(crate) fn row(&self, y: usize) -> [usize; 3] {
        [self.first + y * self.rows.stride, self.columns.stride, self.colours.stride]
    }

    /// Returns the slice in Python's syntax, `[0, :, :]`; `None` for the whole array.
    pub(crate) fn slice(&self) -> Option<String> {
        if self.fixed.iter().all(Option::is_none) {
            return None;
        }
        Some(slice(&self.fixed))
    }

    /// Returns the index of the slice that is `by` further along the first fixed axis.
    pub(crate) fn neighbour(&self, by: isize) -> Option<Index> {
        let mut fixed = self.fixed.clone();
        let (place, len) = fixed.iter_mut().zip(self.array.shape).find_map(|(at, len)| Some((at.as_mut()?, *len)))?;
        *place = place.checked_add_signed(by).filter(|place| *place < len)?;
        Some(Index::of_fixed(&fixed))
    }

    /// Returns the colours of a pixel, and their number.
    pub(crate) fn pixel(&self, y: usize, x: usize, part: Part) -> ([f64; 4], usize) {
        let mut pixel = [0.0; 4];
        let first = self.first + y * self.rows.stride + x * self.columns.stride;
        for (colour, place) in pixel.iter_mut().zip(0..self.colours.len) {
            self.element(first + place * self.colours.stride, part, |number| *colour = number);
        }
        (pixel, self.colours.len)
    }

    /// Calls `visit` with every element of the picture, except alpha.
    pub(crate) fn for_each(&self, part: Part, mut visit: impl FnMut(f64)) {
        let colours = if self.colours.len.is_multiple_of(2) { self.colours.len - 1 } else { self.colours.len };
        for y in 0..self.height() {
            for x in 0..self.width() {
                let first = self.first + y * self.rows.stride + x * self.columns.stride;
                for place in 0..colours {
                    self.element(first + place * self.colours.stride, part, &mut visit);
                }
            }
        }
    }

    fn element(&self, at: usize, part: Part, visit: impl FnMut(f64)) {
        let size = self.array.element.size();
        let bytes = self.array.bytes.get(at * size..(at + 1) * size).unwrap_or(&[]);
        numbers::for_each(self.array.dtype(), bytes, part, visit);
    }
}

/// Formats a slice in Python's syntax.
pub(crate) fn slice(fixed: &[Option<usize>]) -> String {
    let places = fixed.iter().map(|at| at.map_or_else(|| ":".to_owned(), |at| at.to_string()));
    format!("[{}]", places.collect::<Vec<_>>().join(", "))
}

fn fix(fixed: &mut [Option<usize>], axis: usize) {
    if let Some(at) = fixed.get_mut(axis) {
        *at = Some(0);
    }
}

/// Returns the distance of neighbours along each axis, in elements.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides: Vec<_> = shape
        .iter()
        .rev()
        .scan(1, |stride, len| Some(std::mem::replace(stride, usize::saturating_mul(*stride, *len))))
        .collect();
    strides.reverse();
    strides
}

/// Whether an axis of this length probably holds colours.
fn is_colour(dtype: DType, len: usize) -> bool {
    match dtype {
        DType::U8 | DType::U16 => (1..=4).contains(&len),
        DType::F16 | DType::BF16 | DType::F32 | DType::F64 => (3..=4).contains(&len),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(
        dtype: DType,
        shape: &[usize],
        index: &str,
        layout: Layout,
    ) -> Result<([usize; 3], Option<String>), String> {
        let bytes = vec![0; shape.iter().product::<usize>() * dtype.size()];
        let index = if index.is_empty() { Index::default() } else { index.parse()? };
        let plane = Plane::select(ArrayRef::new(dtype, shape, &bytes), &index, layout)?;
        Ok(([plane.height(), plane.width(), plane.colours()], plane.slice()))
    }

    #[test]
    fn axes_find_their_meaning() {
        use DType::{F32, I64, U8};
        let auto = |dtype, shape: &[usize]| select(dtype, shape, "", Layout::Auto).unwrap();
        assert_eq!(auto(U8, &[]), ([1, 1, 1], None));
        assert_eq!(auto(U8, &[5]), ([1, 5, 1], None));
        assert_eq!(auto(U8, &[4, 5]), ([4, 5, 1], None));
        assert_eq!(auto(U8, &[4, 3]), ([4, 3, 1], None));
        assert_eq!(auto(U8, &[4, 5, 3]), ([4, 5, 3], None));
        assert_eq!(auto(U8, &[4, 5, 1]), ([4, 5, 1], None));
        assert_eq!(auto(F32, &[4, 5, 4]), ([4, 5, 4], None));
        assert_eq!(auto(F32, &[4, 5, 2]), ([4, 5, 1], Some("[:, :, 0]".to_owned())));
        assert_eq!(auto(I64, &[4, 5, 3]), ([5, 3, 1], Some("[0, :, :]".to_owned())));
        assert_eq!(auto(F32, &[2, 4, 5, 3]), ([4, 5, 3], Some("[0, :, :, :]".to_owned())));
        assert_eq!(auto(F32, &[7, 8, 4, 5]), ([4, 5, 1], Some("[0, 0, :, :]".to_owned())));
        assert_eq!(auto(F32, &[0, 5]), ([0, 0, 1], None));
    }

    #[test]
    fn layouts_and_indices() {
        use DType::F32;
        assert_eq!(select(F32, &[3, 4, 5], "", Layout::Chw).unwrap(), ([4, 5, 3], None));
        assert_eq!(select(F32, &[4, 5, 3], "", Layout::Plane).unwrap(), ([5, 3, 1], Some("[0, :, :]".to_owned())));
        assert_eq!(select(F32, &[9, 4, 5], "3", Layout::Auto).unwrap(), ([4, 5, 1], Some("[3, :, :]".to_owned())));
        assert_eq!(select(F32, &[9, 4, 5], "..,2", Layout::Auto).unwrap(), ([9, 4, 1], Some("[:, :, 2]".to_owned())));
        assert!(select(F32, &[9, 4, 5], "9", Layout::Auto).is_err());
        assert!(select(F32, &[4, 5], "", Layout::Chw).is_err());
        assert!(select(F32, &[4, 5, 7], "", Layout::Hwc).is_err());
    }

    #[test]
    fn pixels_are_the_elements() {
        let bytes: Vec<u8> = (0..24).collect();
        let array = ArrayRef::new(DType::U8, &[2, 4, 3], &bytes);
        let plane = |layout| Plane::select(array, &Index::default(), layout).unwrap();
        assert_eq!(plane(Layout::Auto).pixel(1, 2, Part::Abs), ([18.0, 19.0, 20.0, 0.0], 3));
        assert_eq!(plane(Layout::Chw).pixel(1, 2, Part::Abs), ([5.0, 17.0, 0.0, 0.0], 2));
        let column = Plane::select(array, &"..,1".parse().unwrap(), Layout::Auto).unwrap();
        assert_eq!(column.pixel(1, 0, Part::Abs), ([13.0, 0.0, 0.0, 0.0], 1));
        let neighbour = column.neighbour(1).unwrap();
        assert_eq!(Plane::select(array, &neighbour, Layout::Auto).unwrap().slice().as_deref(), Some("[:, :, 2]"));
        assert!(column.neighbour(2).is_none() && column.neighbour(-2).is_none());
        let mut sum = 0.0;
        plane(Layout::Auto).for_each(Part::Abs, |number| sum += number);
        assert_eq!(sum, 276.0);
    }
}
