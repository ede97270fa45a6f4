//! Python's wire format without Python: recorded samples, damaged files, and the life of a channel.

mod bad_files;
mod changes;
mod foreign;
mod lifecycle;
mod processes;
#[cfg(target_endian = "little")]
mod samples;
mod shelf;
mod support;
mod torn;
#[cfg(all(target_os = "linux", not(ndsharray_portable)))] // only there are leases
mod unused;
mod waiting;
