//! Proves that a file is the channel's, by name, owner and content.
//!
//! Any program may give a file any name. So the module's parent asks here before it writes to a tag
//! file, or removes a file that this very process has not made. What bytes can prove stands in
//! [`python`]: pure functions, which the fuzzer knows too.

use super::location::Location;
use crate::error::{Error, Foreign, Result};
use crate::files::owners::Owners;
use crate::files::trusted::{open_trusted, unlink_if_same};
use crate::format::python::{self, Hex, MAX_HEAD, TagProof, tag_len};
use crate::sys::{self, Access, FileType, Identity};
use std::fs::File;
use std::path::Path;

/// Opens the tag file of a channel, or the start of one.
///
/// # Errors
///
/// As [`open_trusted`]; [`Error::NotOurs`] when it is something else.
pub(super) fn open_tag(location: &Location, access: Access, owners: Owners) -> Result<(File, Identity, TagProof)> {
    let (file, identity) = open_trusted(&location.tag(), access, owners)?;
    let proof = prove_tag(location, &file)?;
    Ok((file, identity, proof))
}

/// Tells what an open tag file is by now.
///
/// # Errors
///
/// [`Error::NotOurs`] when it is no tag file.
pub(super) fn prove_tag(location: &Location, file: &File) -> Result<TagProof> {
    let path = location.tag();
    let mut bytes = vec![0; tag_len(location.name()) + 1];
    let found = sys::read_front(file, &mut bytes).map_err(|e| Error::io("read", &path, e))?;
    bytes.truncate(found);
    python::prove_tag(location.name(), &bytes, found as u64)
        .map_err(|_| Error::NotOurs { path, wanted: "a tag file of Python's ndsharray, or the start of one" })
}

/// Opens the payload file with these digits; `None` when there is none.
///
/// A file that is something else, but has that name, counts as none.
///
/// `is_known`: the digits are those of a sequence that the tag belongs to.
pub(super) fn open_payload(
    location: &Location,
    hex: &Hex,
    access: Access,
    owners: Owners,
    is_known: bool,
) -> Result<Option<(File, Identity)>> {
    let path = location.payload(hex);
    let (file, identity) = match open_linked(&path, access, owners) {
        Ok(found) => found,
        Err(Error::NotFound { .. } | Error::ForeignOwner { what: Foreign::Symlink | Foreign::NotAFile, .. }) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut front = [0; MAX_HEAD];
    let found = sys::read_front(&file, &mut front).map_err(|e| Error::io("read", &path, e))?;
    let front = front.get(..found).unwrap_or(&[]);
    let proof = python::prove_payload(location.name(), hex, front, identity.len, is_known);
    Ok(proof.is_ok().then_some((file, identity)))
}

/// Removes the payload file with these digits, if it is one; returns whether there was one.
pub(super) fn remove_payload(location: &Location, hex: &Hex, owners: Owners, is_known: bool) -> Result<bool> {
    let Some((_file, identity)) = open_payload(location, hex, Access::Read, owners, is_known)? else {
        return Ok(false);
    };
    let path = location.payload(hex);
    unlink_if_same(&path, &identity).map_err(|e| Error::io("remove", &path, e))?;
    Ok(true)
}

/// Opens a file of an owner that `owners` trusts.
///
/// It may have several names, as tombstones do, so this is only for files that are not written.
pub(super) fn open_linked(path: &Path, access: Access, owners: Owners) -> Result<(File, Identity)> {
    let distrust = |owner, what| Error::ForeignOwner { path: path.to_owned(), owner, what };
    let file = sys::open(path, access).map_err(|error| match sys::identify_path(path) {
        Ok(found) if sys::is_symlink_refusal(&error) => distrust(found.owner, Foreign::Symlink),
        Ok(found) if found.kind == FileType::Other => distrust(found.owner, Foreign::NotAFile),
        Ok(found) if found.kind == FileType::File && !owners.trusts(found.owner, sys::effective_user()) => {
            distrust(found.owner, Foreign::OtherUser)
        }
        _ => Error::io("open", path, error),
    })?;
    let identity = sys::identify(&file).map_err(|e| Error::io("inspect", path, e))?;
    if identity.kind != FileType::File {
        return Err(distrust(identity.owner, Foreign::NotAFile));
    }
    if !owners.trusts(identity.owner, sys::effective_user()) {
        return Err(distrust(identity.owner, Foreign::OtherUser));
    }
    Ok((file, identity))
}
