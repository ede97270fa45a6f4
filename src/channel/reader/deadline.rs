//! How long a reader waits.

use crate::error::{Error, Result};
use crate::sys::Backoff;
use std::time::{Duration, Instant};

/// The longest sleep of a reader before it checks that its channel has the name.
///
/// Only files removed by hand make that necessary.
pub(super) const SLICE: Duration = Duration::from_millis(100);

/// The longest sleep of a reader that is to notice its writer's death within a tenth of a second.
pub(super) const WRITER_SLICE: Duration = Duration::from_millis(25);

/// The first sleep of a reader that cannot announce itself to the writer.
///
/// Doubled each time, up to [`LONGEST_NAP`].
pub(super) const FIRST_NAP: Duration = Duration::from_micros(50);
pub(super) const LONGEST_NAP: Duration = Duration::from_millis(2);

/// The share of a look at one name in the time between two looks at it.
///
/// With up to 10 readers each name is looked at as often as in a wait for one. A hundred looks a
/// second cost less than a thousandth of a processor.
const LOOK: Duration = Duration::from_millis(10);

/// The longest time between two looks at a name.
const LONGEST_SLICE: Duration = Duration::from_secs(1);

/// The share of the names that one look covers, if there are many.
const PARTS: u32 = 4;

/// How much more often a name is looked at whose channel has been closed.
///
/// With up to 10 readers that is every 10 ms, as in a wait for one.
pub(super) const LOOKS_AT_GONE: u32 = 10;

/// Time between two looks at one of so many names.
pub(super) fn time_between_looks(names: usize) -> Duration {
    LOOK.saturating_mul(u32::try_from(names).unwrap_or(u32::MAX)).clamp(SLICE, LONGEST_SLICE)
}

/// The longest sleep of a party that waits for so many channels, and looks at names in between.
pub(super) fn slice_for(names: usize) -> Duration {
    (time_between_looks(names) / PARTS).max(SLICE)
}

/// How many of so many names one look covers, so that no sleep ends for all of them at once.
pub(super) fn names_at_a_time(names: usize) -> usize {
    let share = (names as u128 * slice_for(names).as_nanos()).div_ceil(time_between_looks(names).as_nanos());
    usize::try_from(share).unwrap_or(names)
}

/// When to stop waiting.
pub(super) struct Deadline {
    pub(super) timeout: Duration,
    /// Since when. `None` as long as nothing has been waited for, so that no clock has been read.
    begin: Option<Instant>,
}

impl Deadline {
    pub(super) fn after(timeout: Duration) -> Self {
        Self { timeout, begin: None }
    }

    /// When the wait began: now, if this is the first question.
    pub(super) fn begin(&mut self) -> Instant {
        *self.begin.get_or_insert_with(Instant::now)
    }

    /// Time left, `None` when there is none.
    pub(super) fn left(&mut self) -> Option<Duration> {
        let begin = self.begin();
        // A time-out beyond the clock's range is as good as none.
        match begin.checked_add(self.timeout) {
            None => Some(Duration::MAX),
            Some(end) => Some(end.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero()),
        }
    }
}

/// Calls `open` until it finds a channel or `timeout` has passed.
pub(super) fn for_channel<T>(timeout: Duration, open: impl Fn() -> Result<T>) -> Result<T> {
    let mut backoff = Backoff::new(FIRST_NAP).doubling_to(LONGEST_NAP).within(timeout);
    loop {
        match open() {
            // The directory may be made together with the channel.
            Err(error @ (Error::NotFound { .. } | Error::MissingDirectory { .. })) => {
                if !backoff.pause() {
                    return Err(error);
                }
            }
            other => return other,
        }
    }
}
