//! Progress of a long command, on standard error if that is a terminal.

use super::colour::has_cursor;
use crate::failure::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar, or a running count if the end is unknown.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Starts at zero; `end` is the number of values, if known.
    pub(crate) fn new(what: &'static str, end: Option<u64>) -> Result<Self> {
        let (bar, template) = match end {
            Some(end) => (ProgressBar::new(end), "{prefix} {bar:30} {pos}/{len} values  {per_sec}  {msg}"),
            None => (ProgressBar::no_length(), "{prefix} {spinner} {pos} values  {per_sec}  {msg}"),
        };
        let style = ProgressStyle::with_template(template).map_err(|error| std::io::Error::other(error.to_string()))?;
        bar.set_style(style);
        if !has_cursor() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar.set_prefix(what);
        Ok(Self { bar })
    }

    pub(crate) fn count(&self) -> u64 {
        self.bar.position()
    }

    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }

    pub(crate) fn say(&self, message: String) {
        self.bar.set_message(message);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
