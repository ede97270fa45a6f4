//! News without a thread for each channel: futures, streams, descriptors.
//!
//! A reader that is waited for so has a [`watch::Watch`], which it arms when it has nothing new.
//! One thread, the [`watcher`], sleeps on the boards of all armed readers. It wakes the task, or
//! sets the descriptor, of a reader that has news, and disarms it. So a flood costs one wake-up for
//! each time that the reader looks, not one for each value.
//!
//! Arming is the handshake of a sleeper: a ticket, an announcement, a look. The watcher takes the
//! ticket over, and sleeps in the reader's place.

mod changed;
#[cfg(unix)]
pub(crate) mod fd;
pub(super) mod link;
mod settle;
pub(crate) mod stream;
pub(super) mod watch;
mod watcher;
