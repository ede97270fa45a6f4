//! What is printed: text, tables and JSON, on standard output and standard error.

pub(crate) mod attributes;
mod json;
mod stderr;
mod stdout;
mod table;
mod text;

pub(crate) use json::{json, json_line};
pub(crate) use stderr::tell;
pub(crate) use stdout::{bytes, flush, stdout};
pub(crate) use table::{Columns, window};
pub(crate) use text::{
    bandwidth, counted, duration, number, per_second, printable, printable_message, quoted, shape, short_shape, size,
    unix_time,
};
