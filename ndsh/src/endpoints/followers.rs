//! Following several names in one thread.
//!
//! All channels are waited for in one call of [`wait_any`]. What wakes no reader, such as a shared
//! array, a channel of Python's or a name that leads nowhere yet, is looked at now and then.

use super::follow::Follower;
use super::source::{Value, Which};
use crate::args::Globals;
use crate::failure::Result;
use ndsharray::wait_any;
use std::time::{Duration, Instant};

/// Longest wait for the lock of an array.
const LOCK: Duration = Duration::from_millis(50);
/// The same beside channels, whose values pass by meanwhile.
const BRIEF_LOCK: Duration = Duration::from_millis(2);
/// Pause after a failure that none of the readers repeats.
const NAP: Duration = Duration::from_millis(1);

/// Reads what has each of these names, now and later.
pub(crate) struct Followers<'a>(Vec<Follower<'a>>);

impl<'a> Followers<'a> {
    pub(crate) fn new(globals: &'a Globals, names: impl IntoIterator<Item = &'a str>, which: &Which) -> Self {
        Self(names.into_iter().map(|name| Follower::new(globals, name, which.clone())).collect())
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Follower<'a>> {
        self.0.iter_mut()
    }

    /// Waits up to `time` for something to look at, at any of the names.
    ///
    /// `look` gets the index of the name, when it was opened, and the value. Each name has at most
    /// two values a call, so a fast one does not hide the others. It may return before `time` is
    /// over, with nothing. Fails only where waiting cannot help.
    pub(crate) fn poll(&mut self, time: Duration, mut look: impl FnMut(usize, Instant, Value<'_>)) -> Result<()> {
        let end = Instant::now() + time;
        let has_channel = self.0.iter_mut().any(|follower| follower.reader().is_some());
        let lock = if has_channel { BRIEF_LOCK } else { LOCK };
        for (index, follower) in self.0.iter_mut().enumerate() {
            if follower.next_step().is_some_and(|due| due <= Instant::now()) {
                follower.step(lock, |opened, value| look(index, opened, value))?;
            }
        }
        let next = self.0.iter().filter_map(Follower::next_step).min().map_or(end, |next| next.min(end));
        let time = next.saturating_duration_since(Instant::now());
        let (indices, mut readers): (Vec<_>, Vec<_>) =
            self.0.iter_mut().enumerate().filter_map(|(index, follower)| Some((index, follower.reader()?))).unzip();
        if readers.is_empty() {
            std::thread::sleep(time);
            return Ok(());
        }
        // The error does not say whose it is, but that reader has it again.
        let ready = wait_any(&mut readers, time);
        for (at, index) in indices.into_iter().enumerate() {
            let Some(follower) = self.0.get_mut(index) else { continue };
            if ready.as_ref().is_ok_and(|ready| !ready.contains(at)) {
                follower.note_silence();
            } else {
                follower.step(lock, |opened, value| look(index, opened, value))?;
            }
        }
        if ready.is_err() {
            std::thread::sleep(NAP);
        }
        Ok(())
    }
}
