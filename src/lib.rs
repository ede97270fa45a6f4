//! placeholder

#[cfg(not(loom))]
mod any_view;
#[cfg(not(loom))]
mod dtype;
#[cfg(not(loom))]
mod element;
#[cfg(not(loom))]
mod error;
mod failpoint;
#[cfg(not(loom))]
mod head;
#[cfg(not(loom))]
mod header;
#[cfg(not(loom))]
mod location;
#[cfg(not(loom))]
mod long_double;
#[cfg(not(loom))]
mod options;
#[cfg(not(loom))]
mod owned_array;
#[cfg(not(loom))]
mod reader;
#[cfg(not(loom))]
mod segment;
#[cfg(not(loom))]
mod shape;
mod slots;
mod sync;
#[cfg(not(loom))]
mod sys;
#[cfg(not(loom))]
mod view;
#[cfg(not(loom))]
mod writer;

#[cfg(not(loom))]
pub use {
    any_view::AnyArrayView,
    dtype::{DType, ParseDTypeError},
    element::ShElement,
    error::{Error, Foreign, Result},
    half::{bf16, f16},
    header::HeaderError,
    long_double::{ComplexLongDouble, LongDouble},
    num_complex::Complex,
    options::{Options, Owners},
    owned_array::OwnedArray,
    reader::{Info, OwnedSample, Reader, Sample},
    shape::{MAX_NDIM, ShapeError},
    view::{ArrayView, ViewError},
    writer::{AnyWriter, Loan, Writer, remove},
};
