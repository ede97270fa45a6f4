//! Settings, as Python gives them.

use ndsharray::{ArrayOptions, Options};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::path::PathBuf;

/// Whose files are trusted: `"own"`, `"anyone"`, or a user id.
#[derive(Clone, FromPyObject, IntoPyObjectRef)]
pub(crate) enum Owners {
    User(u32),
    Word(String),
}

/// What a reader asks for, beside its channel.
#[derive(Clone, Copy, Default)]
pub(crate) struct Terms {
    pub(crate) read_only: bool,
    pub(crate) from_oldest: bool,
    pub(crate) lossless: bool,
    pub(crate) end_with_writer: bool,
}

impl Terms {
    /// Whether iteration takes every value, and not the latest.
    pub(crate) fn in_order(self) -> bool {
        self.from_oldest || self.lossless
    }
}

/// A directory and a rule of trust. Another process finds a channel or array by it.
#[derive(Clone)]
pub(crate) struct Location {
    pub(crate) dir: Option<PathBuf>,
    pub(crate) owners: Option<Owners>,
}

impl Location {
    pub(crate) fn new(dir: Option<PathBuf>, owners: Option<Owners>) -> PyResult<Self> {
        if let Some(Owners::Word(word)) = &owners
            && !matches!(word.as_str(), "own" | "anyone")
        {
            return Err(PyValueError::new_err(format!("owners is {word:?}, not \"own\", \"anyone\" or a user id")));
        }
        // Another process may have another environment, and another working directory.
        let given = dir.or_else(|| std::env::var_os("NDSHARRAY_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from));
        let dir = given.map(std::path::absolute).transpose()?;
        Ok(Self { dir, owners })
    }

    /// Returns whether both name the same directory.
    pub(crate) fn is_same_dir(&self, other: &Self) -> bool {
        let real = |location: &Self| {
            let dir = location.dir.clone().unwrap_or_else(|| PathBuf::from("/dev/shm"));
            std::fs::canonicalize(&dir).unwrap_or(dir)
        };
        self.dir == other.dir || real(self) == real(other)
    }

    pub(crate) fn array_options(&self) -> ArrayOptions {
        ArrayOptions::from(&self.options())
    }

    pub(crate) fn options(&self) -> Options {
        let mut options = Options::new();
        if let Some(dir) = &self.dir {
            options = options.dir(dir);
        }
        match &self.owners {
            Some(Owners::User(user)) => options.owners(ndsharray::Owners::User(*user)),
            Some(Owners::Word(word)) if word == "anyone" => options.owners(ndsharray::Owners::Anyone),
            _ => options,
        }
    }
}
