//! The library as its users see it: real files, real child processes, nothing but the public API.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a test that goes wrong is to panic, in its helpers too; child processes answer on their output"
)]

mod bad_calls;
mod bad_files;
mod changes;
mod closing;
#[path = "../common/mod.rs"]
mod common;
mod defaults;
mod inspect;
mod lent_by_address;
#[cfg(target_os = "linux")]
mod limits;
mod links;
mod live_damage;
mod loans;
mod mixed;
mod ownership;
// Whose a file is and who may use it is the directory's to say on Windows.
#[cfg(unix)]
mod permissions;
mod processes;
mod puppet;
mod removal;
mod round_trip;
mod samples;
mod scribbled;
mod strides;
mod support;
mod takeover;
mod torn;
mod unused;
mod waiting;

/// How children of this binary are started.
const CHILD_ARGUMENTS: [&str; 5] = ["puppet::body", "--exact", "--ignored", "--nocapture", "--test-threads=1"];
