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
use crate::files::listing::Listing;
use crate::files::location;
use crate::options::Options;
use std::fmt;
use std::iter::FusedIterator;
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

/// Looks at channels and arrays, one a step; made by [`Options::survey`].
#[must_use = "a survey looks at nothing unless it is iterated over"]
pub struct Survey<'a> {
    options: &'a Options,
    listing: Listing,
    listed: std::vec::IntoIter<Listed>,
}

impl Iterator for Survey<'_> {
    type Item = Result<Report>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Listed { name, kind } = self.listed.next()?;
            match self.options.look_with(&name, kind, Some(&self.listing)) {
                Err(Error::NotFound { .. }) => {}
                other => return Some(other),
            }
        }
    }
}

impl FusedIterator for Survey<'_> {}

impl fmt::Debug for Survey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Survey").field("to_come", &self.listed.as_slice()).finish_non_exhaustive()
    }
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
        Ok(self.list_with()?.0)
    }

    /// The same, with the names of all files.
    fn list_with(&self) -> Result<(Vec<Listed>, Listing)> {
        let (dir, named_by) = location::directory(self.dir.as_deref());
        match Listing::of(&dir) {
            Ok(listing) => Ok((find::all(&dir, &listing), listing)),
            Err(error) => Err(if dir.is_dir() { error } else { Error::MissingDirectory { dir, named_by } }),
        }
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
        self.look_with(name, kind, None)
    }

    /// Looks at all that `wanted` accepts, one after another.
    ///
    /// As [`list`](Self::list) and then [`look`](Self::look) at each, but the directory is read
    /// once. What is removed meanwhile is left out.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list). Each report may be an error as that of [`look`](Self::look).
    ///
    /// ```
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let options = ndsharray::Options::new().dir(dir.path());
    /// # let _left = options.create::<f32>("left")?;
    /// # let _imu = options.create::<f32>("imu")?;
    /// for report in options.survey(|listed| listed.name.starts_with('l'))? {
    ///     assert_eq!(report?.name, "left");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn survey(&self, mut wanted: impl FnMut(&Listed) -> bool) -> Result<Survey<'_>> {
        let (mut listed, listing) = self.list_with()?;
        listed.retain(|listed| wanted(listed));
        Ok(Survey { options: self, listing, listed: listed.into_iter() })
    }

    fn look_with(&self, name: &str, kind: Kind, listing: Option<&Listing>) -> Result<Report> {
        self.at(name, |location| match kind {
            Kind::Channel => channel::look(location, listing),
            Kind::Array => array::look(location),
            Kind::Python => python::look(name, self.dir.as_deref(), listing),
        })
    }
}
