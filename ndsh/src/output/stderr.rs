//! Standard error.

use std::io::Write;

/// Prints a line. An error is ignored, as there is no other place to report it.
pub(crate) fn tell(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(anstream::stderr(), "{line}");
}
