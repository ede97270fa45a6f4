//! `ndsh` as users see it: the binary, in terminals and pipes, on real channels.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that goes wrong is to panic, in its helpers too"
)]

mod attributes;
mod cleaning;
#[path = "../../../tests/common/mod.rs"]
mod common;
mod doctor;
mod echo;
mod exits;
mod files;
mod foreign;
mod frame;
mod graphics;
mod holder;
mod info;
mod listing;
mod mcap;
mod numpy;
mod pipes;
mod python;
mod recording;
mod shells;
mod support;
mod terminal;
mod top;
mod types;
mod view;
mod watch;
#[cfg(feature = "web")]
mod web;
mod written;

mod peer {
    #[test]
    #[ignore = "what peers run; other tests start them"]
    fn program() {
        crate::holder::act();
    }
}
