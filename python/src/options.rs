//! Settings, as Python gives them.

use ndsharray::{Options, Owners};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::path::PathBuf;

/// Whose files are trusted: `"own"`, `"anyone"`, or a user id.
#[derive(FromPyObject)]
pub(crate) enum OwnersArgument {
    User(u32),
    Word(String),
}

/// Options with a directory and the trusted owners.
pub(crate) fn options(dir: Option<PathBuf>, owners: Option<OwnersArgument>) -> PyResult<Options> {
    let mut options = Options::new();
    if let Some(dir) = dir {
        options = options.dir(dir);
    }
    Ok(match owners {
        None => options,
        Some(OwnersArgument::User(user)) => options.owners(Owners::User(user)),
        Some(OwnersArgument::Word(word)) => match word.as_str() {
            "own" => options,
            "anyone" => options.owners(Owners::Anyone),
            _ => {
                return Err(PyValueError::new_err(format!("owners is {word:?}, not \"own\", \"anyone\" or a user id")));
            }
        },
    })
}
