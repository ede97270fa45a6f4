//! What there is in a directory.

use super::report::{Kind, Listed};
use crate::compat;
use crate::files::listing::Listing;
use crate::files::location::{Location, Part};
use crate::files::owners::Owners;
use crate::files::trusted::open_trusted;
use crate::format::python::{DIGITS, decode_tag, digits};
use crate::sys::{self, Access};
use std::collections::BTreeSet;
use std::path::Path;

/// What the names in a directory belong to.
pub(super) fn all(dir: &Path, listing: &Listing) -> Vec<Listed> {
    let mut found = BTreeSet::new();
    for file_name in listing.names() {
        let listed = match Location::parse(file_name) {
            Some((name, Part::Array)) => Some((name.to_owned(), Kind::Array)),
            Some((name, Part::Board | Part::Readers | Part::Types | Part::Payload(_))) => {
                Some((name.to_owned(), Kind::Channel))
            }
            None => python(dir, file_name).map(|name| (name, Kind::Python)),
        };
        found.extend(listed.map(|(name, kind)| Listed { name, kind }));
    }
    found.into_iter().collect()
}

/// The channel of Python's ndsharray that a file belongs to. Any file may have any name, so its
/// content has to fit too. None on Windows, where such a channel is not made of files.
fn python(dir: &Path, file_name: &str) -> Option<String> {
    let path = dir.join(file_name);
    let (file, identity) = open_trusted(&path, Access::Read, Owners::Anyone).ok()?;
    if identity.len == crate::format::python::tag_len(file_name) as u64 {
        let mut bytes = vec![0; crate::format::python::tag_len(file_name)];
        let len = sys::read_front(&file, &mut bytes).ok()?;
        bytes.truncate(len);
        if decode_tag(file_name, &bytes, identity.len).is_ok()
            && compat::location::Location::new(file_name, Some(dir)).is_ok()
        {
            return Some(file_name.to_owned());
        }
    }
    let (rest, hex) = file_name.split_at_checked(file_name.len().checked_sub(DIGITS)?)?;
    let name = rest.strip_suffix('_').filter(|name| compat::location::Location::new(name, Some(dir)).is_ok())?;
    digits(hex.as_bytes())?;
    super::python::holds_array(&file, identity.len).then(|| name.to_owned())
}
