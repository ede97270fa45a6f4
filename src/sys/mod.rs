//! Everything this crate asks of the operating system.
//!
//! One file per platform, each with the same shape.
//!
//! The functions are thin: they name what is wanted, not how it is done here, and answer with
//! `std::io` errors; what an error means for a channel is decided by the callers. The list of names
//! below is the shape: a platform that lacks one does not compile.
//!
//! | file | platform |
//! |---|---|
//! | `linux/` | Linux |
//! | `unix/` | macOS, FreeBSD and other Unix; Linux too with `--cfg ndsharray_portable`, for tests |
//! | `windows/` | Windows |
//! | `unsupported.rs` | all else: compiles, and answers that it cannot |

mod backoff;
mod derived;
mod home;
#[cfg(all(target_os = "linux", not(ndsharray_portable)))]
mod linux;
mod locked_file;
mod naps;
#[cfg(any(not(target_os = "linux"), ndsharray_portable))]
mod no_lease;
#[cfg(any(not(target_os = "linux"), ndsharray_portable))]
mod no_limits;
#[cfg(not(any(unix, windows)))]
pub(crate) mod no_range_lock;
#[cfg(any(not(target_os = "linux"), ndsharray_portable))]
mod no_sever;
#[cfg(any(
    all(target_os = "linux", not(ndsharray_portable)),
    all(target_vendor = "apple", not(ndsharray_portable)),
    not(any(unix, windows))
))]
mod no_sweeper;
#[cfg(not(any(all(target_os = "linux", not(ndsharray_portable)), windows)))]
mod no_wait_set;
#[cfg(any(all(target_os = "linux", not(ndsharray_portable)), all(target_vendor = "apple", not(ndsharray_portable))))]
pub(crate) mod ofd;
mod pieces;
#[cfg(unix)]
mod posix;
#[cfg(all(unix, feature = "async"))]
mod signals;
#[cfg(any(windows, all(unix, any(ndsharray_portable, not(any(target_os = "linux", target_vendor = "apple"))))))]
mod sweeper;
#[cfg(test)]
mod tests;
mod types;
#[cfg(all(unix, any(not(target_os = "linux"), ndsharray_portable)))]
mod unix;
#[cfg(not(any(unix, windows)))]
mod unsupported;
mod whole;
#[cfg(windows)]
mod windows;

#[cfg(all(target_os = "linux", not(ndsharray_portable)))]
use linux as platform;
#[cfg(all(unix, any(not(target_os = "linux"), ndsharray_portable)))]
use unix as platform;
#[cfg(not(any(unix, windows)))]
use unsupported as platform;
#[cfg(windows)]
use windows as platform;

pub(crate) use backoff::Backoff;
pub(crate) use home::{Home, ShortWay};
#[cfg(all(unix, feature = "async"))]
pub(crate) use platform::ReadyFd;
#[cfg(feature = "failpoints")]
pub(crate) use platform::end;
#[cfg(test)]
pub(crate) use platform::symlink;
pub(crate) use platform::{
    Alarm, Lease, Sleepers, Sweeper, WaitSet, address_space_left, available, check_file_name, default_dir,
    effective_user, file_size_limit, files_available, fork_count, group_memory_short_of, identify, identify_path,
    is_no_descriptor, is_no_space, is_symlink_refusal, mappings_left, monotonic_ns, open, open_exclusive, range_lock,
    remove_file, reserve, same_file, sever, storage, tells_what_is_set_aside, unmap, watch_forks,
};

#[cfg(all(not(unix), feature = "async"))]
pub(crate) use derived::without_signals;
pub(crate) use derived::{age_of, group_memory_left};
pub(crate) use locked_file::LockedFile;
#[cfg(all(unix, feature = "async"))]
pub(crate) use signals::without_signals;
#[cfg(feature = "failpoints")]
pub(crate) use types::End;
pub(crate) use types::{Access, ByteRange, FileType, Identity};
pub(crate) use whole::{read_at, read_exact_at, read_front, read_front_once, write_all_at};

/// Whether there is more than `unsupported.rs` here.
pub(crate) const IS_SUPPORTED: bool = cfg!(any(unix, windows));

/// Whether a mapping may reach beyond the end of its file, and shows what the file gains later.
///
/// So it is on Linux. Elsewhere files get all their memory when they are made.
pub(crate) const MAPS_AHEAD: bool = cfg!(all(target_os = "linux", not(ndsharray_portable)));

/// Whether writing to a file makes new pages faster than touching a mapping of it.
///
/// The system need not clear them first, and nothing has to fault. Measured on Linux's shared
/// memory, where it takes two thirds of the time.
pub(crate) const WRITES_NEW_PAGES_FASTER: bool = cfg!(all(target_os = "linux", not(ndsharray_portable)));
