//! The line below a picture.

use crate::endpoints::Value;
use crate::output::{duration, number, printable, shape};
use crate::picture::Painter;
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

/// Describes a picture in one line.
pub(super) fn caption(name: &str, seen: &Seen, painter: &Painter<'_>) -> String {
    let plane = painter.plane();
    let mut parts = vec![printable(name).into_owned(), format!("{} {}", plane.dtype(), shape(plane.shape()))];
    parts.extend(plane.slice());
    let (low, high) = painter.range();
    parts.push(format!("{} to {}", number(low), number(high)));
    parts.extend(seen.seq.map(|seq| format!("#{seq}")));
    parts.extend(seen.age.map(|age| format!("{} old", duration(age))));
    if plane.height() == 0 {
        parts.push("empty".to_owned());
    }
    parts.join("  ")
}
