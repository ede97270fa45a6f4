//! The native half of the drop-ins for other packages.

#[cfg(unix)]
pub(crate) mod block;
pub(crate) mod wire;
