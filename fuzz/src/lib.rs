//! Properties of ndsharray under any bytes: each function panics when its property does not hold.
//!
//! The fuzz targets in `fuzz_targets/` are one line each over these functions. The tests here
//! replay the committed corpus through the same functions: they check what the fuzzer has found,
//! without the fuzzer and with stable Rust.
//!
//! [`Input`](input::Input) reads bytes from the front, one after the other. So seeds can be written
//! by hand, and keep their meaning.

#![forbid(unsafe_code)]

mod array;
mod compat;
mod damage;
mod elements;
mod headers;
mod input;
mod inspect;
mod link;
mod open;
mod operations;
mod records;
#[cfg(test)]
mod replay;
mod scratch;
mod values;

pub use array::{array, array_head};
pub use compat::{compat_channel, compat_payload, compat_tag};
pub use elements::element_type;
pub use headers::{head, header};
pub use inspect::inspect;
pub use link::link;
pub use open::open;
pub use operations::operations;
pub use records::record;

/// Makes a fuzz target of a property.
///
/// Built without the fuzzer, it is a program that checks the files it is given.
#[macro_export]
macro_rules! target {
    ($property:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$property(data));

        #[cfg(not(fuzzing))]
        fn main() {
            $crate::check_arguments($crate::$property);
        }
    };
}

/// Checks the files that the command line names.
///
/// # Panics
///
/// The property does not hold for a file, or the file cannot be read.
pub fn check_arguments(property: fn(&[u8])) {
    for path in std::env::args_os().skip(1) {
        let data = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        property(&data);
    }
}
