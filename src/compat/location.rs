//! Where a channel's files are.

use crate::error::{Error, Result};
use crate::files::listing::Listing;
use crate::files::location;
use crate::format::python::{self, Hex};
use std::fs;
use std::path::{Path, PathBuf};

/// A directory and a name in it that Python's ndsharray can use.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    file: location::Location,
}

impl Location {
    pub(crate) fn new(name: &str, dir: Option<&Path>) -> Result<Self> {
        if cfg!(windows) {
            // There the package shares memory under names of another kind, and no file.
            return Err(Error::Unsupported { what: "the wire format of Python's ndsharray on Windows" });
        }
        let file = location::Location::new(name, dir)?;
        if !name.is_ascii() {
            // The package confuses the number of characters with the number of bytes.
            let reason = "it is not ASCII, which Python's ndsharray cannot do";
            return Err(Error::InvalidName { name: name.to_owned(), reason });
        }
        if location::Location::is_reserved(name) {
            // The tag file has exactly the channel's name.
            let reason = "it is the name of a file of this library";
            return Err(Error::InvalidName { name: name.to_owned(), reason });
        }
        if is_payload_name(name) {
            let reason = "it is the name of a payload file of Python's ndsharray";
            return Err(Error::InvalidName { name: name.to_owned(), reason });
        }
        Ok(Self { file })
    }

    pub(crate) fn name(&self) -> &str {
        self.file.name()
    }

    pub(crate) fn dir(&self) -> &Path {
        self.file.dir()
    }

    /// Adds to an error what is known about its cause.
    pub(crate) fn explain(&self, error: Error) -> Error {
        self.file.explain(error)
    }

    /// The tag file.
    pub(crate) fn tag(&self) -> PathBuf {
        self.dir().join(self.name())
    }

    /// A payload file.
    pub(crate) fn payload(&self, hex: &Hex) -> PathBuf {
        self.dir().join(self.payload_name(hex))
    }

    pub(crate) fn payload_name(&self, hex: &Hex) -> String {
        String::from_utf8_lossy(&python::encode_tag(self.name(), hex)).into_owned()
    }

    /// The digits in the names of all payload files of this channel, current or not.
    pub(crate) fn payloads(&self) -> Result<Vec<Hex>> {
        let fail = |e| Error::io("list", self.dir(), e);
        let mut found = Vec::new();
        for entry in fs::read_dir(self.dir()).map_err(fail)? {
            let file_name = entry.map_err(fail)?.file_name();
            let file_name = file_name.as_encoded_bytes();
            found.extend(python::decode_tag(self.name(), file_name, file_name.len() as u64));
        }
        Ok(found)
    }

    /// The same, of a directory that has been read already.
    pub(crate) fn payloads_in(&self, listing: &Listing) -> Vec<Hex> {
        let names = listing.starting_with(self.name());
        names.filter_map(|name| python::decode_tag(self.name(), name.as_bytes(), name.len() as u64).ok()).collect()
    }
}

/// Whether a name ends like those of payload files: `_` and 32 digits.
fn is_payload_name(name: &str) -> bool {
    let (channel, hex) = name.as_bytes().split_at(name.len().saturating_sub(python::DIGITS));
    channel.len() > 1 && channel.ends_with(b"_") && python::digits(hex).is_some()
}

#[cfg(all(test, windows))]
mod tests {
    use crate::compat::options::Options;
    use crate::error::Error;
    use crate::inspect::Kind;
    use std::time::Duration;

    #[test]
    fn whatever_is_asked_for_here_the_answer_is_that_windows_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options::new().dir(dir.path());
        let answers = [
            options.create::<u8>("cam").map(drop),
            options.create_any("cam").map(drop),
            options.open("cam").map(drop),
            options.open_timeout("cam", Duration::from_secs(600)).map(drop),
            options.leftovers("cam").map(drop),
            options.remove_leftovers("cam", Duration::ZERO).map(drop),
            options.unused("cam", Duration::ZERO).map(drop),
            options.remove_unused("cam", Duration::ZERO).map(drop),
            options.remove("cam"),
            crate::options::Options::new().dir(dir.path()).look("cam", Kind::Python).map(drop),
        ];
        for answer in answers {
            let error = answer.unwrap_err();
            assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
            assert!(error.to_string().contains("Windows"), "{error}");
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

#[cfg(all(test, not(windows)))]
mod tests {
    use super::*;

    #[test]
    fn names_that_python_cannot_use_are_refused() {
        assert!(Location::new("cam 1", None).is_ok());
        let payload = format!("cam_{}", "0123456789abcdef".repeat(2));
        let ours = ["cam.ndsh", "cam.ndsh-readers", "cam.ndsa", "cam.ndsh-0123", &payload];
        for bad in ["", "a/b", "Größe", ".a", "a\0"].into_iter().chain(ours) {
            assert!(matches!(Location::new(bad, None), Err(Error::InvalidName { .. })), "{bad:?}");
        }
    }

    #[test]
    fn payload_files_are_told_from_others() {
        let dir = tempfile::tempdir().unwrap();
        let here = Location::new("cam", Some(dir.path())).unwrap();
        let hex = b"0123456789abcdef0123456789abcdef";
        let names = [
            "cam",
            "cam_",
            "cam_x123456789abcdef0123456789abcdef",
            "cam.ndsh",
            "camera_0123456789abcdef0123456789abcdef",
        ];
        for name in names {
            fs::write(dir.path().join(name), b"").unwrap();
        }
        fs::write(here.payload(hex), b"").unwrap();
        assert_eq!(here.payloads().unwrap(), [*hex]);
    }
}
