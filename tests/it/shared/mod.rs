//! Shared arrays: one memory, and a lock.

mod any;
mod atomics;
mod death;
mod files;
#[cfg(feature = "ndarray")]
mod guards;
mod lifetime;
mod names;
mod processes;
// The machine's Python, whatever this is compiled for: it must have the same byte order.
#[cfg(target_endian = "little")]
mod python;
mod records;
mod support;
#[cfg(feature = "failpoints")]
mod sweep;
mod threads;
mod unlocked;
