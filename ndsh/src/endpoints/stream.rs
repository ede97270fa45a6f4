//! One value after another, for commands with `--follow`.

use super::source::{News, Source, Value};
use crate::failure::Result;
use crate::terminal::Interrupt;
use std::time::Duration;

/// Longest time between two checks for Ctrl-C.
const TICK: Duration = Duration::from_millis(100);

/// When to end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Until {
    /// Not when the writer closes the channel: another one may come.
    pub(crate) reopen: bool,
    /// After so many values.
    pub(crate) count: Option<u64>,
}

impl Source {
    /// Calls `take` with the current value and those after it; returns how many there were.
    ///
    /// `take` returns false for a value that does not count. The value is held meanwhile, and has
    /// been given back when `after` is called.
    pub(crate) fn each(
        &mut self,
        interrupt: &Interrupt,
        until: Until,
        mut take: impl FnMut(Value<'_>) -> Result<bool>,
        mut after: impl FnMut() -> Result<()>,
    ) -> Result<u64> {
        let mut done = 0;
        while !interrupt.requested() && until.count.is_none_or(|count| done < count) {
            match self.wait(TICK, &mut take)? {
                News::Value(taken) => {
                    done += u64::from(taken?);
                    after()?;
                }
                News::Nothing | News::Locked => {}
                News::Closed if until.reopen => {
                    interrupt.sleep(TICK / 4);
                }
                News::Closed => break,
            }
        }
        Ok(done)
    }
}
