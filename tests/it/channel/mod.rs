//! Channels: one writer, many readers.

#[cfg(not(ndsharray_emulated))]
mod attributes;
#[cfg(not(ndsharray_emulated))]
mod bad_calls;
mod bad_files;
#[cfg(not(ndsharray_emulated))]
mod changes;
#[cfg(not(ndsharray_emulated))]
mod closing;
mod corrupt_words;
#[cfg(not(ndsharray_emulated))]
mod defaults;
#[cfg(not(ndsharray_emulated))]
mod elements;
#[cfg(not(ndsharray_emulated))]
mod history;
mod lent_by_address;
#[cfg(target_os = "linux")]
#[cfg(not(ndsharray_emulated))]
mod limits;
#[cfg(not(ndsharray_emulated))]
mod links;
#[cfg(not(ndsharray_emulated))]
mod little_memory;
#[cfg(not(ndsharray_emulated))]
mod live_damage;
#[cfg(feature = "ndarray")]
mod loans;
#[cfg(not(ndsharray_emulated))]
mod lossless;
mod mixed;
#[cfg(feature = "async")]
#[cfg(not(ndsharray_emulated))]
mod news;
#[cfg(not(ndsharray_emulated))]
mod ownership;
// On Windows the directory decides which user owns and may use a file.
#[cfg(unix)]
#[cfg(not(ndsharray_emulated))]
mod permissions;
#[cfg(not(ndsharray_emulated))]
mod processes;
#[cfg(not(ndsharray_emulated))]
mod records;
#[cfg(not(ndsharray_emulated))]
mod removal;
#[cfg(feature = "ndarray")]
mod round_trip;
mod samples;
#[cfg(feature = "ndarray")]
#[cfg(target_os = "linux")]
#[cfg(not(ndsharray_emulated))]
mod spurious;
#[cfg(feature = "ndarray")]
mod strides;
pub(crate) mod support;
#[cfg(not(ndsharray_emulated))]
mod takeover;
#[cfg(not(ndsharray_emulated))]
mod torn;
#[cfg(not(ndsharray_emulated))]
mod unused;
#[cfg(not(ndsharray_emulated))]
mod waiting;
#[cfg(not(ndsharray_emulated))]
mod waiting_for_many;
#[cfg(not(ndsharray_emulated))]
mod wakers;
