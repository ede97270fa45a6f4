//! Both ends at once: this library and Python's ndsharray from PyPI, as it is.
//!
//! The tests are ignored unless asked for: they need Python with numpy and `ndsharray` 1.1.4.
//! `.ci/run python` makes a virtual environment of its own. The environment variable
//! `NDSHARRAY_PYTHON` names its interpreter. `docs/COMPAT.md` says how to see the figures.
//!
//! This is a binary of its own, since its figures need an optimised build.

#![cfg(not(windows))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a test that goes wrong is to panic, in its helpers too; figures are printed"
)]

mod cameras;
mod changes;
#[path = "../common/mod.rs"]
mod common;
mod process;
mod torn;
mod values;
