//! Which Rust types fields of a record can have.

use super::layout::KindLayout;
use crate::element::ShElement;

/// A type that a field of a record can have.
///
/// # Safety
///
/// The type consists of elements as `KIND` says, and has no padding.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a record in shared memory",
    label = "neither an element type, nor a record, nor an array of these",
    note = "fields are element types (bool, i8 to i64, u8 to u64, f16, bf16, f32, f64, ...), arrays of them such as \
            [f32; 3], and structs with #[derive(Record)]",
    note = "instead of usize and isize, whose size differs among machines: u64 and i64; instead of char: u32; instead \
            of text: [u8; N]"
)]
pub unsafe trait RecordField: Copy + Send + Sync + 'static {
    /// What the field holds.
    const KIND: KindLayout;
}

// SAFETY: an array is its elements, side by side.
unsafe impl<T: RecordField, const N: usize> RecordField for [T; N] {
    const KIND: KindLayout = KindLayout::Array(N, &T::KIND);
}

// SAFETY: each element type is one, or a record, which says itself what it consists of; neither has
// padding.
unsafe impl<T: ShElement> RecordField for T {
    const KIND: KindLayout = match T::RECORD {
        Some(layout) => KindLayout::Record(layout),
        None => KindLayout::Element(T::ELEMENT),
    };
}

/// A type that padding can have: bytes, of which any are a value.
#[diagnostic::on_unimplemented(
    message = "padding is a field of bytes, `[u8; N]`, but this one is a `{Self}`",
    label = "not `[u8; N]`"
)]
pub trait Padding {}

impl<const N: usize> Padding for [u8; N] {}

/// Fails to compile for a type that is no padding.
pub const fn assert_padding<T: Padding>() {}
