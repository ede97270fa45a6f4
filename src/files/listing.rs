//! The names of the files in a directory.

use super::location::Location;
use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::fs;
use std::ops::Bound;
use std::path::Path;
use uuid::Uuid;

/// The names of files in a directory, as far as they are UTF-8: no others are this library's.
pub(crate) struct Listing(BTreeSet<String>);

impl Listing {
    /// Reads the directory.
    pub(crate) fn of(dir: &Path) -> Result<Self> {
        let fail = |e| Error::io("list", dir, e);
        let names =
            fs::read_dir(dir).map_err(fail)?.map(|entry| Ok(entry.map_err(fail)?.file_name().into_string().ok()));
        Ok(Self(names.filter_map(Result::transpose).collect::<Result<_>>()?))
    }

    /// All names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The names that begin like this, without a look at the others.
    pub(crate) fn starting_with<'a>(&'a self, start: &'a str) -> impl Iterator<Item = &'a str> {
        let from = (Bound::Included(start), Bound::Unbounded);
        self.0.range::<str, _>(from).map(String::as_str).take_while(move |name| name.starts_with(start))
    }

    /// The ids of all payload files of a channel, current or left over.
    pub(crate) fn payloads(&self, location: &Location) -> Vec<Uuid> {
        self.starting_with(location.name()).filter_map(|name| location.payload_id(name)).collect()
    }
}
