//! Plumbing for bindings to other languages and for tools; programs need nothing of it.

use crate::error::{Error, Memory, Result};
use crate::view::cast;

pub use crate::channel::writer::{LoanRefused, OwnedLoan};
pub use crate::files::mapping::DetachedMemory;
pub use crate::shared::held::LockMode;
pub use crate::shared::lend::{ArrayLockGuard, ArrayMapping};

/// Checks the bytes of a `bool` array.
///
/// # Errors
///
/// [`Error::InvalidBool`] at the first byte that is neither 0 nor 1.
///
/// ```
/// assert!(ndsharray::raw::check_bools(&[0, 1, 1]).is_ok());
/// assert!(ndsharray::raw::check_bools(&[0, 2]).is_err());
/// ```
pub fn check_bools(bytes: &[u8]) -> Result<()> {
    Ok(cast::check_bools(bytes)?)
}

/// The error for what a binding or tool cannot do, in this library's words.
///
/// ```
/// let error = ndsharray::raw::unsupported("arrays of strings");
/// assert_eq!(error.to_string(), "not supported: arrays of strings");
/// ```
#[must_use]
pub fn unsupported(what: &'static str) -> Error {
    Error::Unsupported { what }
}

/// The error for `requested` bytes that this process could not allocate.
///
/// ```
/// let error = ndsharray::raw::out_of_memory(1 << 40);
/// assert!(error.to_string().starts_with("out of memory"));
/// ```
#[must_use]
pub fn out_of_memory(requested: u64) -> Error {
    Error::OutOfMemory { requested, available: 0, memory: Memory::Process }
}
