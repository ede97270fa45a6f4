//! Channels: one writer, many readers.

mod attributes;
mod bad_calls;
mod bad_files;
mod changes;
mod closing;
mod corrupt_words;
mod defaults;
mod elements;
mod history;
mod lent_by_address;
#[cfg(target_os = "linux")]
mod limits;
mod links;
mod little_memory;
mod live_damage;
#[cfg(feature = "ndarray")]
mod loans;
mod lossless;
mod mixed;
#[cfg(feature = "async")]
mod news;
mod ownership;
// On Windows the directory decides which user owns and may use a file.
#[cfg(unix)]
mod permissions;
mod processes;
mod records;
mod removal;
#[cfg(feature = "ndarray")]
mod round_trip;
mod samples;
#[cfg(feature = "ndarray")]
#[cfg(target_os = "linux")]
mod spurious;
mod strides;
pub(crate) mod support;
mod takeover;
mod torn;
mod unused;
mod waiting;
mod waiting_for_many;
mod wakers;
