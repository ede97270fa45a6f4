//! What needs root: full memory, other users, PID namespaces.
//!
//! Each test creates its own mounts, users and namespaces, and leaves nothing.
//!
//! `cargo test --test privileged -- --ignored`, as root, on Linux.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a test that goes wrong is to panic, in its helpers too; child processes answer on their output"
)]

mod attackers;
#[path = "../common/mod.rs"]
mod common;
mod groups;
mod memory;
mod namespaces;
#[path = "../peer/mod.rs"]
mod peer;
mod squatters;
mod users;
