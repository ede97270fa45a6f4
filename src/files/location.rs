//! Where a channel lives: a checked name, a directory, and the names of its files.

use crate::error::{DirSource, Error, Instead, Result};
use crate::sys;
use std::path::{self, Path, PathBuf};
use uuid::{Uuid, Variant, Version};

/// The longest name in bytes; with the longest suffix it still fits a file name.
const MAX_NAME: usize = 200;

/// The environment variable that names the directory.
const DIR_VARIABLE: &str = "NDSHARRAY_DIR";

const BOARD_SUFFIX: &str = ".ndsh";
const READERS_SUFFIX: &str = ".ndsh-readers";
const TYPES_SUFFIX: &str = ".ndsh-types";
const PAYLOAD_INFIX: &str = ".ndsh-";
const ARRAY_SUFFIX: &str = ".ndsa";

/// The directory that options name.
///
/// Absolute, so that it stays where it is when the process moves.
///
/// An empty name is none. Where the working directory is gone the name stays relative, and using it
/// fails.
pub(crate) fn chosen(dir: &Path) -> Option<PathBuf> {
    let named = !dir.as_os_str().is_empty();
    named.then(|| path::absolute(dir).unwrap_or_else(|_| dir.to_owned()))
}

/// Where channels are: what the options have [`chosen`], or the environment's, or the platform's
/// default.
pub(crate) fn directory(chosen: Option<&Path>) -> (PathBuf, DirSource) {
    let environment = || std::env::var_os(DIR_VARIABLE).filter(|dir| !dir.is_empty());
    match chosen {
        Some(dir) => (dir.to_owned(), DirSource::Options),
        None => match environment() {
            Some(dir) => (dir.into(), DirSource::Environment),
            None => (sys::default_dir(), DirSource::Default),
        },
    }
}

/// What a file is to a channel or array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Board,
    Readers,
    Types,
    Payload(Uuid),
    Array,
}

/// A directory and a valid name in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// Absolute.
    dir: PathBuf,
    source: DirSource,
    name: String,
}

impl Location {
    /// Checks `name`; the directory is `dir`, or the environment's, or the platform's default.
    pub(crate) fn new(name: &str, dir: Option<&Path>) -> Result<Self> {
        check(name).map_err(|reason| Error::InvalidName { name: name.to_owned(), reason })?;
        let (dir, source) = directory(dir);
        let dir = path::absolute(&dir).map_err(|e| Error::io("find", &dir, e))?;
        Ok(Self { dir, source, name: name.to_owned() })
    }

    /// Adds to an error why nothing was found, where that is known.
    pub(crate) fn explain(&self, error: Error) -> Error {
        if !matches!(error, Error::NotFound { .. } | Error::Io { .. }) {
            return error;
        }
        if !self.dir.is_dir() {
            return Error::MissingDirectory { dir: self.dir.clone(), named_by: self.source };
        }
        match error {
            Error::NotFound { path, .. } => {
                let both = [(self.board(), Instead::Channel), (self.array(), Instead::SharedArray)];
                // A file that a channel or array lacks does not stand for the other kind.
                let is_main = both.iter().any(|(main, _)| *main == path);
                let found = both.into_iter().find(|(main, _)| *main != path && main.symlink_metadata().is_ok());
                let found = found.filter(|_| is_main);
                Error::NotFound { path, instead: found.map(|(_, what)| what) }
            }
            other => other,
        }
    }

    /// The name of the channel or array in a file name, and the file's role.
    ///
    /// `None` for all other files.
    pub(crate) fn parse(file_name: &str) -> Option<(&str, Part)> {
        let payload = || {
            let (name, hex) = file_name.rsplit_once(PAYLOAD_INFIX)?;
            Some((name, Part::Payload(own_id(hex)?)))
        };
        let with = |suffix, part| file_name.strip_suffix(suffix).map(|name| (name, part));
        with(BOARD_SUFFIX, Part::Board)
            .or_else(|| with(READERS_SUFFIX, Part::Readers))
            .or_else(|| with(TYPES_SUFFIX, Part::Types))
            .or_else(|| with(ARRAY_SUFFIX, Part::Array))
            .or_else(payload)
            .filter(|(name, _)| check(name).is_ok())
    }

    /// Whether files of this name are this library's.
    ///
    /// They are those of [`parse`](Self::parse), and what the format may add to them.
    ///
    /// Where case does not count in file names, a spelling in other letters is the same file; it is
    /// reserved everywhere.
    pub(crate) fn is_reserved(file_name: &str) -> bool {
        // Both ways: some letters have the same upper case as others of another lower case.
        let name = file_name.to_uppercase().to_lowercase();
        name.starts_with('.')
            || [BOARD_SUFFIX, ARRAY_SUFFIX].iter().any(|suffix| name.ends_with(suffix))
            || name.contains(PAYLOAD_INFIX)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn board(&self) -> PathBuf {
        self.file(BOARD_SUFFIX)
    }

    pub(crate) fn readers(&self) -> PathBuf {
        self.file(READERS_SUFFIX)
    }

    /// What the records of the channel consist of.
    pub(crate) fn types(&self) -> PathBuf {
        self.file(TYPES_SUFFIX)
    }

    /// The file of a shared array.
    pub(crate) fn array(&self) -> PathBuf {
        self.file(ARRAY_SUFFIX)
    }

    /// The file that has this very name.
    pub(crate) fn bare(&self) -> PathBuf {
        self.file("")
    }

    pub(crate) fn payload(&self, id: Uuid) -> PathBuf {
        self.dir.join(self.payload_name(id))
    }

    pub(crate) fn payload_name(&self, id: Uuid) -> String {
        format!("{}{PAYLOAD_INFIX}{}", self.name, id.simple())
    }

    /// The id in the name of one of this channel's payload files.
    ///
    /// `None` for all other names.
    pub(crate) fn payload_id(&self, file_name: &str) -> Option<Uuid> {
        let hex = file_name.strip_prefix(&self.name)?.strip_prefix(PAYLOAD_INFIX)?;
        own_id(hex)
    }

    fn file(&self, suffix: &str) -> PathBuf {
        self.dir.join(format!("{}{suffix}", self.name))
    }
}

/// The id that this library writes as `hex`; `None` for every other spelling and version.
fn own_id(hex: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(hex).ok()?;
    // A random id alone proves the maker, since a payload has no magic.
    let random = id.get_version() == Some(Version::Random) && id.get_variant() == Variant::RFC4122;
    (random && id.simple().to_string() == hex).then_some(id)
}

fn check(name: &str) -> std::result::Result<(), &'static str> {
    if name.is_empty() {
        Err("it is empty")
    } else if name.len() > MAX_NAME {
        Err("it is longer than 200 bytes")
    } else if name.starts_with('.') {
        Err("it starts with a dot")
    } else if name.contains(['/', '\\']) {
        Err("it contains a slash or backslash")
    } else if name.chars().any(char::is_control) {
        Err("it contains a control character")
    } else {
        sys::check_file_name(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["a", "camera 1", "a.b", "Größe", &"x".repeat(200)] {
            assert!(check(good).is_ok(), "{good:?}");
        }
        for bad in ["", ".", "..", ".a", "a/b", "a\\b", "a\0b", "a\nb", "\u{85}", &"x".repeat(201)] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn payload_names_are_told_from_others() {
        let here = Location::new("cam", Some(Path::new("/d"))).unwrap();
        let id = Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_0abc);
        assert_eq!(here.payload_id(&here.payload_name(id)), Some(id));
        let hyphened = format!("cam.ndsh-{id}");
        let upper = here.payload_name(id).to_uppercase().replace("CAM.NDSH", "cam.ndsh");
        // A version 1 id, and digits that are no id of any version.
        let (first, none) = ("cam.ndsh-00000000000010008000000000000abc", "cam.ndsh-00000000000000000000000000000abc");
        for other in ["cam.ndsh", "cam.ndsh-readers", "cam2.ndsh-0", hyphened.as_str(), &upper, first, none] {
            assert_eq!(here.payload_id(other), None, "{other}");
        }
    }

    #[test]
    fn files_tell_whose_they_are() {
        let here = Location::new("a.ndsh-b", Some(Path::new("/d"))).unwrap();
        let id = Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_0abc);
        let file = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        for (path, part) in [
            (here.board(), Part::Board),
            (here.readers(), Part::Readers),
            (here.types(), Part::Types),
            (here.array(), Part::Array),
            (here.payload(id), Part::Payload(id)),
        ] {
            assert_eq!(Location::parse(&file(path)), Some(("a.ndsh-b", part)));
        }
        for other in ["a", "a.ndsh-", "a.ndsh-00", ".ndsh", "..ndsh", ".a.ndsa", &format!("a.ndsh-{id}")] {
            assert_eq!(Location::parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_longest_name_makes_file_names_that_fit() {
        let here = Location::new(&"x".repeat(200), Some(Path::new("/d"))).unwrap();
        assert!(here.payload_name(Uuid::nil()).len() <= 255);
    }
}
