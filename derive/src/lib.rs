//! The derive macro of `ndsharray`, which re-exports it with its feature `derive`.

mod expand;

use proc_macro::TokenStream;

/// Makes a struct an element type: a record, as NumPy's structured dtypes are.
///
/// Its fields are element types, such records, and arrays of fixed length of either. It is
/// `#[repr(C)]`, `Copy`, and has no padding: every byte belongs to a field.
///
/// Other programs find a field by its name, its type and where it begins. The name of the struct,
/// and of a nested one, does not matter.
///
/// ```
/// #[derive(Clone, Copy, ndsharray::Record)]
/// #[repr(C)]
/// struct Point {
///     x: f32,
///     y: f32,
///     z: f32,
///     intensity: u16,
///     ring: u16,
/// }
///
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let options = ndsharray::Options::new().dir(dir.path());
/// let mut writer = options.create::<Point>("cloud")?; // or `Writer::<Point>::create`
/// writer.write(&[2], &[Point { x: 1.0, y: 2.0, z: 3.0, intensity: 9, ring: 0 }; 2])?;
///
/// let mut reader = options.open("cloud")?;
/// let sample = reader.latest()?.unwrap();
/// assert_eq!(sample.view::<Point>()?[[1]].z, 3.0);
/// # Ok(())
/// # }
/// ```
///
/// # Attributes of a field
///
/// - `#[record(padding)]` on a field of bytes, `[u8; N]`: it fills a gap, and is not described. A
///   struct with such fields matches a NumPy dtype that is made with `align=True`.
/// - `#[record(name = "...")]`: the field's name for other programs.
///
/// # What is refused
///
/// Padding, as its bytes would show what was in memory before. It takes a name, or another order of
/// the fields:
///
/// ```compile_fail,E0080
/// #[derive(Clone, Copy, ndsharray::Record)]
/// #[repr(C)]
/// struct Tick {
///     side: u8,
///     price: f64,
/// }
/// ```
///
/// ```
/// #[derive(Clone, Copy, ndsharray::Record)]
/// #[repr(C)]
/// struct Tick {
///     side: u8,
///     spare: [u8; 7],
///     price: f64,
/// }
/// ```
///
/// An alignment of more than 64 bytes, where elements may begin:
///
/// ```compile_fail,E0080
/// #[derive(Clone, Copy, ndsharray::Record)]
/// #[repr(C, align(128))]
/// struct Block {
///     bytes: [u8; 128],
/// }
/// ```
///
/// ```
/// #[derive(Clone, Copy, ndsharray::Record)]
/// #[repr(C, align(64))]
/// struct Block {
///     bytes: [u8; 64],
/// }
/// ```
///
/// A layout that the compiler may choose anew each time:
///
/// ```compile_fail
/// #[derive(Clone, Copy, ndsharray::Record)]
/// struct Pair {
///     a: u32,
///     b: u32,
/// }
/// ```
///
/// ```
/// #[derive(Clone, Copy, ndsharray::Record)]
/// #[repr(C)]
/// struct Pair {
///     a: u32,
///     b: u32,
/// }
/// ```
///
/// References and pointers, which no other process could follow:
///
/// ```compile_fail
/// #[derive(Clone, Copy, ndsharray::Record)]
/// #[repr(C)]
/// struct Name {
///     text: &'static [u8; 8],
/// }
/// ```
///
/// ```
/// #[derive(Clone, Copy, ndsharray::Record)]
/// #[repr(C)]
/// struct Name {
///     text: [u8; 8],
/// }
/// ```
///
/// Generic structs, as one name would stand for several layouts:
///
/// ```compile_fail
/// #[derive(Clone, Copy, ndsharray::Record)]
/// #[repr(C)]
/// struct Pixel<T> {
///     rgb: [T; 3],
/// }
/// ```
///
/// ```
/// #[derive(Clone, Copy, ndsharray::Record)]
/// #[repr(C)]
/// struct Pixel {
///     rgb: [f32; 3],
/// }
/// ```
///
/// Types that are no elements, such as `char`, `usize` and `String`:
///
/// ```compile_fail,E0277
/// #[derive(Clone, Copy, ndsharray::Record)]
/// #[repr(C)]
/// struct Count {
///     n: usize,
/// }
/// ```
///
/// ```
/// #[derive(Clone, Copy, ndsharray::Record)]
/// #[repr(C)]
/// struct Count {
///     n: u64,
/// }
/// ```
#[proc_macro_derive(Record, attributes(record))]
pub fn record(input: TokenStream) -> TokenStream {
    expand::record(input.into()).into()
}
