//! The line below a picture.

use crate::endpoints::Value;
use crate::output::{duration, number, printable, shape};
use crate::picture::{Curves, Painter, slice};
use ndsharray::DType;
use std::time::Duration;

/// The number and age of a value, for its caption.
pub(super) struct Seen {
    pub(super) seq: Option<u64>,
    pub(super) age: Option<Duration>,
}

impl Seen {
    pub(super) fn of(value: &Value<'_>) -> Self {
        Self { seq: value.seq, age: value.age }
    }
}

/// What is shown of an array.
pub(super) struct Shown<'a> {
    dtype: DType,
    shape: &'a [usize],
    slice: Option<String>,
    range: (f64, f64),
}

impl<'a> Shown<'a> {
    pub(super) fn picture(painter: &Painter<'a>) -> Self {
        let plane = painter.plane();
        Self { dtype: plane.dtype(), shape: plane.shape(), slice: plane.slice(), range: painter.range() }
    }

    pub(super) fn curves(curves: &Curves<'a>, range: (f64, f64)) -> Self {
        let (array, fixed) = (curves.array(), curves.fixed());
        let slice = fixed.iter().any(Option::is_some).then(|| slice(fixed));
        Self { dtype: array.dtype(), shape: array.shape, slice, range }
    }
}

/// Describes a picture in one line.
pub(super) fn caption(name: &str, seen: &Seen, shown: Shown<'_>) -> String {
    let mut parts = vec![printable(name).into_owned(), format!("{} {}", shown.dtype, shape(shown.shape))];
    let (low, high) = shown.range;
    parts.extend(shown.slice);
    parts.push(format!("{} to {}", number(low), number(high)));
    parts.extend(seen.seq.map(|seq| format!("#{seq}")));
    parts.extend(seen.age.map(|age| format!("{} old", duration(age))));
    if shown.shape.contains(&0) {
        parts.push("empty".to_owned());
    }
    parts.join("  ")
}
