//! What the page draws: elements, in as few bytes as the picture on the screen needs.
//!
//! The server sends elements, not colours: the page has the colour scales, and the values for the
//! mouse. Bytes go as they are. All other numbers of pictures become `f32`, those of curves `f64`.

use super::value::Kept;
use crate::array::ArrayRef;
use crate::array::numbers::{self, Part};
use crate::failure::{Exit, Failure, Result};
use crate::files::{npy, png};
use crate::output::shape;
use crate::picture::{Canvas, Colormap, Curves, Index, Layout, Paint, Painter, Plane};
use ndsharray::DType;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Most pixels that are sent.
const MOST_PIXELS: usize = 2 << 20;
/// Most pixels of a PNG file.
const MOST_SAVED: usize = 64 << 20;
/// Most samples of a curve that are sent one by one.
const MOST_SAMPLES: usize = 4096;
/// Ranges that are sent of a longer curve.
const RANGES: usize = 2048;

/// What a viewer wants to see.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// The chosen element of each axis; `null` for a whole axis.
    index: Option<Vec<Option<usize>>>,
    #[serde(default)]
    layout: Layout,
    #[serde(default)]
    part: Part,
    /// Width and height on the screen, in pixels.
    size: [usize; 2],
    /// The frame to draw anew, of a page that has paused.
    #[serde(default)]
    pub(super) again: Option<u64>,
}

/// A wish for one array. Viewers with equal views share a drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    index: Index,
    layout: Layout,
    part: Part,
    /// Every so many rows and columns, one is sent.
    step: usize,
}

/// A drawing, and where its elements are.
pub(super) struct Drawing {
    /// As JSON.
    pub(super) head: String,
    payload: Payload,
}

enum Payload {
    /// A part of the value's own bytes.
    Part(Range<usize>),
    Own(Vec<u8>),
}

/// What kind of drawing it is. The page relies on the names.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Head {
    Picture {
        width: usize,
        height: usize,
        colours: usize,
        /// `u8` or `f32`.
        format: &'static str,
        step: usize,
        /// Rows and columns of the whole picture.
        whole: [usize; 2],
        fixed: Vec<Option<usize>>,
        /// The axes that are rows, columns and colours.
        axes: [Option<usize>; 3],
        /// The numbers at the ends of the scale, where they do not depend on the elements.
        range: Option<[f64; 2]>,
        colormap: &'static str,
        text: Option<String>,
    },
    Curves {
        series: usize,
        samples: usize,
        /// Numbers of each curve in the payload: the samples, or the ends of ranges.
        sent: usize,
        ranges: bool,
        fixed: Vec<Option<usize>>,
        text: Option<String>,
    },
    Text {
        text: String,
    },
    /// It cannot be shown in this way.
    Wrong {
        message: String,
    },
}

impl Wish {
    /// What the wish means for a value.
    pub(super) fn view(&self, kept: &Kept) -> View {
        let index = match &self.index {
            // The index was for an array of other axes.
            Some(index) if index.len() == kept.array().shape.len() => Index::of_fixed(index),
            _ => Index::default(),
        };
        let Self { layout, part, .. } = *self;
        // Of an empty array there is nothing to draw.
        let plane = Some(kept.array()).filter(|array| !array.bytes.is_empty());
        let plane = plane.and_then(|array| Plane::select(array, &index, layout).ok());
        let step = plane.map_or(1, |plane| self.step(&plane));
        View { index, layout, part, step }
    }

    /// The largest step that leaves a pixel for each one of the screen.
    fn step(&self, plane: &Plane<'_>) -> usize {
        let [width, height] = self.size.map(|len| len.max(1));
        let mut step = (plane.width() / width).min(plane.height() / height).max(1);
        while plane.width().div_ceil(step).saturating_mul(plane.height().div_ceil(step)) > MOST_PIXELS {
            step += 1;
        }
        step
    }
}

impl Drawing {
    pub(super) fn new(kept: &Kept, view: &View) -> Self {
        let (head, payload) =
            Self::draw(kept, view).unwrap_or_else(|message| (Head::Wrong { message }, Payload::Own(Vec::new())));
        Self { head: serde_json::to_string(&head).unwrap_or_default(), payload }
    }

    /// The elements to send.
    pub(super) fn bytes<'a>(&'a self, kept: &'a Kept) -> &'a [u8] {
        match &self.payload {
            Payload::Part(range) => kept.array().bytes.get(range.clone()).unwrap_or(&[]),
            Payload::Own(bytes) => bytes,
        }
    }

    fn draw(kept: &Kept, view: &View) -> std::result::Result<(Head, Payload), String> {
        let array = kept.array();
        let count = array.shape.iter().try_fold(1_usize, |count, &len| count.checked_mul(len)).unwrap_or(0);
        if array.record.is_some() || !has_numbers(array) || count < 2 {
            return Ok((Head::Text { text: kept.text(None)? }, Payload::Own(Vec::new())));
        }
        if let Some(curves) = Curves::select(array, &view.index, view.layout)? {
            let (sent, ranges, bytes) = samples(&curves, view.part);
            let (series, samples) = (curves.series(), curves.count());
            let fixed = curves.fixed().to_vec();
            let head = Head::Curves { series, samples, sent, ranges, fixed, text: kept.few_numbers() };
            return Ok((head, Payload::Own(bytes)));
        }
        let plane = Plane::select(array, &view.index, view.layout)?;
        let format = match array.dtype() {
            DType::U8 | DType::Bool => "u8",
            _ => "f32",
        };
        let head = Head::Picture {
            width: plane.width().div_ceil(view.step),
            height: plane.height().div_ceil(view.step),
            colours: plane.colours(),
            format,
            step: view.step,
            whole: [plane.height(), plane.width()],
            fixed: plane.fixed().to_vec(),
            axes: plane.axes(),
            range: match array.dtype() {
                DType::Bool => Some([0.0, 1.0]),
                DType::U8 => Some([0.0, 255.0]),
                DType::U16 if plane.colours() > 1 => Some([0.0, 65_535.0]),
                dtype if numbers::is_complex(dtype) && view.part == Part::Phase => {
                    Some([-std::f64::consts::PI, std::f64::consts::PI])
                }
                _ => None,
            },
            colormap: match array.dtype() {
                DType::Bool | DType::U8 | DType::U16 => "grey",
                dtype if numbers::is_complex(dtype) && view.part == Part::Phase => "cyclic",
                _ => "viridis",
            },
            text: kept.few_numbers(),
        };
        Ok((head, pixels(array, &plane, view)))
    }
}

/// Whether elements are numbers, as far as pictures are concerned.
fn has_numbers(array: ArrayRef<'_>) -> bool {
    let mut found = false;
    numbers::for_each(array.dtype(), &vec![0; array.element.size()], Part::Abs, |_| found = true);
    found
}

/// The samples of curves one by one, or the smallest and largest of each range; how many a curve.
fn samples(curves: &Curves<'_>, part: Part) -> (usize, bool, Vec<u8>) {
    let count = curves.count();
    let ranges = count > MOST_SAMPLES;
    let sent = if ranges { 2 * RANGES } else { count };
    let mut bytes = Vec::with_capacity(sent * curves.series() * 8);
    let mut push = |number: f64| bytes.extend_from_slice(&number.to_le_bytes());
    for series in 0..if count == 0 { 0 } else { curves.series() } {
        if !ranges {
            (0..count).for_each(|sample| push(curves.sample(series, sample, part)));
            continue;
        }
        for range in 0..RANGES {
            // In 128 bits, which no length times 2048 leaves.
            let place = |range: usize| usize::try_from(range as u128 * count as u128 / RANGES as u128).unwrap_or(count);
            let (mut low, mut high) = (f64::NAN, f64::NAN);
            for sample in place(range)..place(range + 1) {
                let number = curves.sample(series, sample, part);
                // The smaller one is the one that is no NaN.
                (low, high) = (low.min(number), high.max(number));
            }
            push(low);
            push(high);
        }
    }
    (sent, ranges, bytes)
}

/// The pixels of a picture.
fn pixels(array: ArrayRef<'_>, plane: &Plane<'_>, view: &View) -> Payload {
    let (width, height, colours, step) = (plane.width(), plane.height(), plane.colours(), view.step);
    let size = array.element.size();
    let [first, column, colour] = plane.row(0);
    let [second, ..] = plane.row(1);
    let dense_rows = column == colours && (colour == 1 || colours == 1);
    let dense = dense_rows && (second - first == width * colours || height < 2);
    let as_it_is = array.dtype() == DType::U8 || array.dtype() == DType::F32 && cfg!(target_endian = "little");
    if dense && step == 1 && as_it_is {
        return Payload::Part(first * size..(first + width * height * colours) * size);
    }
    let is_byte = matches!(array.dtype(), DType::U8 | DType::Bool);
    let count = width.div_ceil(step) * height.div_ceil(step) * colours;
    let mut bytes = Vec::with_capacity(count * if is_byte { 1 } else { 4 });
    let part = |from: usize, to: usize| array.bytes.get(from * size..to * size).unwrap_or(&[]);
    let mut add = |elements: &[u8]| match array.dtype() {
        DType::U8 => bytes.extend_from_slice(elements),
        DType::Bool => bytes.extend(elements.iter().map(|&byte| u8::from(byte != 0))),
        dtype => numbers::for_each(dtype, elements, view.part, |number| {
            #[expect(clippy::cast_possible_truncation, reason = "the exact value is for the mouse, on request")]
            let number = number as f32;
            bytes.extend_from_slice(&number.to_le_bytes());
        }),
    };
    for y in (0..height).step_by(step) {
        let [first, column, colour] = plane.row(y);
        if dense_rows && step == 1 {
            add(part(first, first + width * colours));
            continue;
        }
        for x in (0..width).step_by(step) {
            let at = first + x * column;
            if dense_rows {
                add(part(at, at + colours));
            } else {
                (0..colours).for_each(|c| add(part(at + c * colour, at + c * colour + 1)));
            }
        }
    }
    Payload::Own(bytes)
}

/// A request for a file of a value on display.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Save {
    /// The frame.
    pub(super) n: u64,
    pub(super) format: SaveFormat,
    colormap: Option<String>,
    range: Option<[f64; 2]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SaveFormat {
    Npy,
    Png,
}

impl Save {
    /// The file's beginning, and whether the value's bytes follow.
    pub(super) fn file(&self, kept: &Kept, view: &View) -> Result<(Vec<u8>, bool)> {
        let array = kept.array();
        let mut file = Vec::new();
        if self.format == SaveFormat::Npy {
            // The header alone: the bytes are sent as they lie.
            npy::write(&mut file, ArrayRef { bytes: &[], ..array })?;
            return Ok((file, true));
        }
        let wrong =
            |what: String| Failure::new(Exit::Failure, format!("{} {}: {what}", array.element, shape(array.shape)));
        if array.bytes.is_empty() || array.record.is_some() {
            return Err(wrong("it is no picture".to_owned()));
        }
        let plane = Plane::select(array, &view.index, view.layout).map_err(wrong)?;
        if plane.width().saturating_mul(plane.height()) > MOST_SAVED {
            return Err(wrong(format!("the page saves pictures of {MOST_SAVED} pixels at most"))
                .advise("`ndsh view NAME --png FILE` takes any"));
        }
        let range = self.range.map(|[low, high]| (low, high)).filter(|(low, high)| low < high);
        let colormap = self.colormap.as_deref().and_then(|name| clap::ValueEnum::from_str(name, true).ok());
        let painter = Painter::new(plane, Paint { part: view.part, range, colormap });
        let canvas = Canvas::whole(&painter);
        png::write_rgba(&mut file, [canvas.width, canvas.height], canvas.pixels.as_flattened())?;
        Ok((file, false))
    }
}

/// The colours of all scales: 256 times red, green, blue for each, in the order of their names.
pub(super) fn colormaps() -> Vec<u8> {
    let maps = <Colormap as clap::ValueEnum>::value_variants();
    let colours = maps.iter().flat_map(|map| (0..=u8::MAX).map(|index| map.at(index)));
    colours.flat_map(|[r, g, b, _]| [r, g, b]).collect()
}
