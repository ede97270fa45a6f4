//! Shared arrays: one memory, and a lock.

mod any;
mod atomics;
#[cfg(not(ndsharray_emulated))]
mod death;
#[cfg(not(ndsharray_emulated))]
mod files;
#[cfg(feature = "ndarray")]
mod guards;
#[cfg(not(ndsharray_emulated))]
mod lifetime;
#[cfg(not(ndsharray_emulated))]
mod names;
#[cfg(not(ndsharray_emulated))]
mod processes;
// The machine's Python, whatever this is compiled for: it must have the same byte order.
#[cfg(target_endian = "little")]
mod python;
#[cfg(not(ndsharray_emulated))]
mod records;
mod support;
#[cfg(feature = "failpoints")]
#[cfg(not(ndsharray_emulated))]
mod sweep;
#[cfg(not(ndsharray_emulated))]
mod threads;
#[cfg(not(ndsharray_emulated))]
mod unlocked;
