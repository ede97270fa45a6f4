//! Standard error.

use std::io::Write;

/// Prints a line; there is no place to report an error.
pub(crate) fn tell(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(anstream::stderr(), "{line}");
}
