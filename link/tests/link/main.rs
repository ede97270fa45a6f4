//! Two or three hosts in one process: each is a directory and a bridge.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "tests")]

mod cuts;
mod enemies;
mod hosts;
mod lines;
mod order;
mod peers;
mod restarts;
mod values;
