//! Python's wire format without Python: recorded samples, damaged files, and the life of a channel.

mod bad_files;
#[cfg(not(ndsharray_emulated))]
mod changes;
#[cfg(not(ndsharray_emulated))]
mod foreign;
#[cfg(not(ndsharray_emulated))]
mod lifecycle;
#[cfg(not(ndsharray_emulated))]
mod processes;
#[cfg(target_endian = "little")]
mod samples;
#[cfg(not(ndsharray_emulated))]
mod shelf;
mod support;
#[cfg(not(ndsharray_emulated))]
mod torn;
#[cfg(all(target_os = "linux", not(ndsharray_portable)))] // only there are leases
#[cfg(not(ndsharray_emulated))]
mod unused;
#[cfg(not(ndsharray_emulated))]
mod waiting;
