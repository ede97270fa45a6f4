//! Look at channels and shared arrays without taking part.
//!
//! A report shows what there is, which processes use it, what it holds, and what is wrong with it.
//!
//! Nothing here disturbs what it looks at. Files are opened for reading alone and read by system
//! calls, never mapped. No entry of a reader table is taken and no lock: neither the number of
//! readers that a channel may have nor the liveness of any process is touched. The kernel says
//! which processes live, by the locks of [`crate`]'s format. Process ids are what the processes
//! noted about themselves, a hint for people.
//!
//! A report is a picture of a moment, and of several moments where a writer is at work: numbers in
//! it may be a little older than others. Damage is listed in [`Report::problems`]; the rest of the
//! report is still filled in.
//!
//! ```
//! # fn main() -> ndsharray::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! use ndsharray::{Options, inspect::{Kind, Life}};
//!
//! let options = Options::new().dir(dir.path());
//! let mut writer = options.create::<f32>("lidar")?;
//! writer.write(&[2, 3], &[0.0; 6])?;
//!
//! for listed in options.list()? {
//!     let report = options.look(&listed.name, listed.kind)?;
//!     let value = report.value.as_ref().unwrap();
//!     println!("{}: {} {:?}, value {:?}", report.name, value.dtype, value.shape, value.seq);
//!     assert_eq!((listed.kind, report.writer.life), (Kind::Channel, Life::Alive));
//!     assert!(report.problems.is_empty());
//! }
//! # Ok(())
//! # }
//! ```

mod array;
mod channel;
mod files;
mod find;
mod python;
mod readers;
mod report;
mod slots;
mod trial;

pub use report::{
    ArrayLock, ChannelState, Details, File, Kind, Life, Listed, Owner, Problem, Reader, Report, Role, Slot, SlotState,
    Value,
};
pub use trial::{Ability, Trial};

use crate::error::{Error, Result};
use crate::files::location;
use crate::options::Options;
use std::path::Path;

/// Lists the channels and arrays of the default directory; see [`Options::list`].
///
/// # Errors
///
/// As [`Options::list`].
pub fn list() -> Result<Vec<Listed>> {
    Options::new().list()
}

/// Looks at the channel or array `name` in the default directory; see [`Options::look`].
///
/// # Errors
///
/// As [`Options::look`].
pub fn look(name: &str, kind: Kind) -> Result<Report> {
    Options::new().look(name, kind)
}

/// Tries in `dir` what this library asks of the operating system.
///
/// Uses a file that is gone afterwards. Returns one answer for each [`Ability`], in their order.
/// Those that need something which failed are not tried.
#[must_use]
pub fn try_out(dir: impl AsRef<Path>) -> Vec<Trial> {
    trial::all(dir.as_ref())
}

impl Options {
    /// Lists the channels and shared arrays in the [directory](Options::directory).
    ///
    /// Those of Python's ndsharray are included, and the remains of some that have lost their main
    /// file. Sorted by name. Files of all users are listed, whatever [`owners`](Options::owners)
    /// says.
    ///
    /// # Errors
    ///
    /// Only for the directory: [`Error::MissingDirectory`], or what the operating system answers
    /// when it cannot be listed.
    pub fn list(&self) -> Result<Vec<Listed>> {
        let (dir, named_by) = location::directory(self.dir.as_deref());
        find::all(&dir).map_err(|error| if dir.is_dir() { error } else { Error::MissingDirectory { dir, named_by } })
    }

    /// Looks at one of them. Files of all users are looked at: nothing in them is trusted.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is no file of it; [`Error::Unsupported`] for [`Kind::Python`]
    /// on Windows, where such a channel is not made of files. What the operating system answers is
    /// an error only for the directory: whatever is wrong with the files is in
    /// [`Report::problems`].
    pub fn look(&self, name: &str, kind: Kind) -> Result<Report> {
        self.at(name, |location| match kind {
            Kind::Channel => channel::look(location),
            Kind::Array => array::look(location),
            Kind::Python => python::look(name, self.dir.as_deref()),
        })
    }
}
