//! Python's ndsharray as it is: its wire format, in both directions.
//!
//! Nothing changes in the Python process.
//!
//! | here | in Python, with the package from PyPI |
//! |---|---|
//! | [`Writer::<f32>::create("lidar")`](Writer::create) | `NdShArray("lidar", r_w="r")` |
//! | [`Reader::open("lidar")`](Reader::open) | `NdShArray("lidar", array, r_w="w")` |
//!
//! If both ends are Rust, or can use this library's Python package, use [`Writer`](crate::Writer)
//! and [`Reader`](crate::Reader) of the crate's root instead. They copy less, wake waiting readers,
//! and promise more.
//!
//! ```
//! # fn main() -> ndsharray::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! use ndsharray::compat::Options;
//!
//! // For a Python process that reads:
//! let mut writer = Options::new().dir(&dir).create::<f32>("lidar")?;
//! writer.write(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
//!
//! // From a Python process that writes:
//! let mut reader = Options::new().dir(&dir).open("lidar")?;
//! if let Some(array) = reader.read()? {
//!     println!("{:?}, {} ms old", array.view::<f32>()?, reader.read_time_ms());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Writer::create`] and [`Reader::open`] do the same in the default directory.
//!
//! Not on Windows: there Python's package shares named mappings, which are not files. Everything
//! here is [`Error::Unsupported`](crate::Error::Unsupported) on Windows.
//!
//! # What Python reads
//!
//! The package's reader accepts a value if the stamps at its two ends agree. It copies one stamp,
//! then everything else with one `memcpy`. Its writer stores everything with one `memcpy` into the
//! same memory. A `memcpy` promises no order, on either side: it may copy the end of a block before
//! its middle. So the check passes on mixtures, and no order in which a writer stores things can
//! prevent that.
//!
//! One end alone can do only this: never write where a reader looks. That is the default,
//! [`Overwrite::Never`]. Each value has a file of its own, which is complete before the tag names
//! it, and is not written while any process has it open or mapped. In return the reader opens a
//! file for each value. [`Overwrite::InPlace`] saves it that, as the package's own writer does. Its
//! readers then accept torn values now and then. The default is the safe one: a user of a library
//! that never tears does not expect to choose that again. At the rate of a camera the difference is
//! a fraction of a millisecond a frame.
//!
//! The argument has three steps, each with the file that gives it in full:
//!
//! 1. *The reader finds a name that was current.* The tag changes by one byte from value to value
//!    (`src/compat/names.rs`).
//! 2. *It finds a file of that name,* also when it comes late. The file holds the value as it was,
//!    or has the same header and says that it is not valid. It never finds nothing, which the
//!    package's reader would not survive (`src/compat/retired.rs`).
//! 3. *The file that it finds does not change.* A current file was completed before. A file that is
//!    written again is open nowhere, which the kernel attests with a lease, and has another name by
//!    then (`src/compat/retired.rs`).
//!
//! # Reading what Python writes
//!
//! Here no reader can be certain: the writer's `memcpy` may store the stamps before the elements,
//! or after them, or in between. [`Reader`] looks at both stamps before and after, in both orders,
//! and at all elements twice. It reads again when anything differs. One case remains: a writer that
//! has stored both stamps and stops in the middle of its `memcpy`, because its process does not
//! run, until all these looks are over. `docs/COMPAT.md` has the measured rates, beside Python's
//! own.
//!
//! # Files
//!
//! A [`Writer`] removes all its files when it is dropped. Python's writer never removes any:
//! [`leftovers`] lists them, [`remove_leftovers`] and [`remove`] remove them. A writer takes over
//! an existing tag file, with the readers that have it mapped.
//!
//! A file is written, cut or removed only if it is proved to be the channel's, by name, owner and
//! content. Any other file of such a name stays as it is. If it has the tag's name, that is
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
