//! Arrays as lines of comma-separated numbers.

use super::super::selection::Selected;
use super::word::scalar;
use std::io::{self, Write};

/// Writes a line for each row, which is the last axis; rows of all other axes follow in C order.
pub(crate) fn write(to: &mut impl Write, array: &Selected<'_>, precision: Option<usize>) -> io::Result<()> {
    let Some(kind) = array.kind().map(|entry| entry.kind) else { return Ok(()) };
    let row = array.axes().last().map_or(1, |axis| axis.len);
    let (mut count, mut done) = (0, Ok(()));
    array.for_each(&mut |place| {
        count += 1;
        let end = if count % row == 0 { '\n' } else { ',' };
        if done.is_ok()
            && let Some(element) = array.element(place)
        {
            done = write!(to, "{}{end}", scalar(&element, kind, precision));
        }
    });
    done
}
