//! Python's ndsharray as it is: its wire format, in both directions, with nothing changed in the
//! Python process.
//!
//! | here | in Python, with the package from PyPI |
//! |---|---|
//! | [`Writer::<f32>::create("lidar")`](Writer::create) | `NdShArray("lidar", r_w="r")` |
//! | [`Reader::open("lidar")`](Reader::open) | `NdShArray("lidar", array, r_w="w")` |
//!
//! Where both ends are Rust, or can use this library's Python package, take
//! [`Writer`](crate::Writer) and [`Reader`](crate::Reader) of the crate's root instead: they copy
//! less, wake who waits, and promise more.
//!
//! ```
//! # fn main() -> ndsharray::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let options = ndsharray::compat::Options::new().dir(dir.path());
//! use ndsharray::compat;
//!
//! // For a Python process that reads:
//! # /*
//! let mut writer = compat::Writer::<f32>::create("lidar")?;
//! # */
//! # let mut writer = options.create::<f32>("lidar")?;
//! writer.write(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
//!
//! // From a Python process that writes:
//! # /*
//! let mut reader = compat::Reader::open("lidar")?;
//! # */
//! # let mut reader = options.open("lidar")?;
//! if let Some(array) = reader.read()? {
//!     println!("{:?}, {} ms old", array.view::<f32>()?, reader.read_time_ms());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Not on Windows: there Python's package shares named mappings, which are not files, and
//! everything here is [`Error::Unsupported`](crate::Error::Unsupported).
//!
//! # What Python reads
//!
//! The package's reader accepts a value if the stamps at its two ends agree. It copies one stamp,
//! then everything else with one `memcpy`, while its writer stores everything with one `memcpy`
//! into the same memory. A `memcpy` has no order, neither of the two: it may take the end of a
//! block before its middle. So the check passes on mixtures, and no order in which a writer stores
//! things can prevent that.
//!
//! What one end alone can do is never to write where a reader looks. That is the default,
//! [`Overwrite::Never`]: each value has a file of its own, which is complete before the tag names
//! it, and is not written while anybody has it open or mapped. It costs the reader the opening of a
//! file for each value. [`Overwrite::InPlace`] spares it that, and is what the package's own writer
//! does; its readers then accept torn values now and then. The default is the safe one: who chose a
//! library for never tearing does not expect to choose it again, and at the rate of a camera the
//! difference is a fraction of a millisecond a frame.
//!
//! The argument in three steps, each with the file that has it in full:
//!
//! 1. *The reader finds a name that was current.* The tag changes by one byte from value to value
//!    (`src/compat/names.rs`).
//! 2. *It finds a file of that name,* also when it comes late: the value as it was, or one of the
//!    same header that says of itself that it is not valid; never nothing, which the package's
//!    reader would not survive (`src/compat/retired.rs`).
//! 3. *What it finds does not change.* A file that is current was completed before; one that is
//!    written again is open nowhere, which the kernel attests with a lease, and has another name by
//!    then (`src/compat/retired.rs`).
//!
//! # Reading what Python writes
//!
//! Here no reader can be certain: the writer's `memcpy` may store the stamps before the elements,
//! or after them, or in between. [`Reader`] looks at both stamps before and after, in both orders,
//! and at all elements twice, and reads again when anything differs. What is left is a writer that
//! stands still in the middle of its `memcpy`, because its process does not run, for as long as all
//! these looks take, having stored both stamps. `docs/COMPAT.md` has the measured rates, beside
//! Python's own.
//!
//! # Files
//!
//! A [`Writer`] removes all its files when it is dropped. Python's removes none, ever:
//! [`leftovers`] lists them, [`remove_leftovers`] and [`remove`] remove them. A tag file that
//! exists is taken over, with the readers that have it mapped.
//!
//! A file is written, cut or removed only if it is proved to be the channel's, by name, owner and
//! content. Whatever else has such a name stays as it is: a tag's name that is taken is
//! [`Error::NotOurs`](crate::Error::NotOurs).

mod channel;
mod clock;
mod leftovers;
pub(crate) mod location;
mod names;
mod options;
mod payload;
mod proof;
mod reader;
mod retired;
mod stable_read;
pub(crate) mod tag;
mod unused;
mod writer;

pub use crate::format::python::WireError;
pub use crate::format::python_dtypes::DTypeTable;
pub use leftovers::{Leftover, leftovers, remove, remove_leftovers};
pub use options::{Options, Overwrite};
pub use reader::Reader;
pub use unused::{remove_unused, unused};
pub use writer::{AnyWriter, Writer};
