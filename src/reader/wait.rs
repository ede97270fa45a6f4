//! Waiting for a value, and for a channel.
//!
//! | what happens while a reader waits | answer |
//! |---|---|
//! | a newer value is published | that value, or one published since |
//! | nothing until the time-out | `None` |
//! | the writer closes the channel | [`Error::Closed`], at once; the next wait looks for a successor first |
//! | the writer dies | the wait goes on: a new writer may come |
//! | a new writer takes over, or makes the channel anew under the same name | the wait goes on, there |
//! | a signal | the wait goes on |

use super::spin::BURST;
use super::{OwnedSample, Reader, Sample};
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::segment::{Slot, State};
use crate::sys;
use std::time::{Duration, Instant};

/// The longest sleep: after it the reader makes sure that its channel still has the name. Only files removed by hand make that necessary.
const SLICE: Duration = Duration::from_millis(100);

/// How long a reader sleeps that cannot announce itself to the writer: this, doubled each time, up to [`LONGEST_NAP`].
const FIRST_NAP: Duration = Duration::from_micros(50);
const LONGEST_NAP: Duration = Duration::from_millis(2);

/// When to stop waiting; `None` for never.
struct Deadline(Option<Instant>);

impl Deadline {
    fn after(begin: Instant, timeout: Duration) -> Self {
        // A time-out beyond the clock's range is as good as none.
        Self(begin.checked_add(timeout))
    }

    /// Time left, `None` when there is none.
    fn left(&self) -> Option<Duration> {
        match self.0 {
            None => Some(Duration::MAX),
            Some(end) => Some(end.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero()),
        }
    }
}

impl Reader {
    /// Blocks until there is something newer than the last value read, and returns it; `None` when `timeout` has passed. Sleeps
    /// in the kernel; the writer wakes it. While values come within microseconds it looks for the next one for a moment before it sleeps
    /// ([`Options::spin`](crate::Options::spin)).
    ///
    /// When the writer dies the wait goes on, as a new writer may take over; [`is_writer_alive`](Self::is_writer_alive) tells.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the writer has closed the channel, everything has been read and no new writer has come; calling again is
    /// fine, and finds a new writer's channel. Otherwise as [`read`](Self::read).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let options = ndsharray::Options::new().dir(dir.path());
    /// # let mut writer = options.create::<f32>("doc-wait")?;
    /// # writer.write(&[1], &[1.0])?;
    /// # let mut reader = options.open("doc-wait")?;
    /// while let Some(sample) = reader.wait(Duration::from_millis(20))? {
    ///     println!("{:?}", sample.shape());
    /// }
    /// println!("nothing for 20 ms");
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&mut self, timeout: Duration) -> Result<Option<Sample<'_>>> {
        if !self.wait_for_news(timeout)? {
            return Ok(None);
        }
        match self.pin()? {
            Some(latest) => Ok(self.sample(latest)),
            None => Err(self.closed()),
        }
    }

    /// [`wait`](Self::wait), for a sample independent of this reader, as [`read_owned`](Self::read_owned).
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn wait_owned(&mut self, timeout: Duration) -> Result<Option<OwnedSample>> {
        if !self.wait_for_news(timeout)? {
            return Ok(None);
        }
        self.own()?.map_or_else(|| Err(self.closed()), |sample| Ok(Some(sample)))
    }

    /// Waits as [`wait`](Self::wait) does and tells whether there is something newer, without reading it.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn wait_for_news(&mut self, timeout: Duration) -> Result<bool> {
        // As it is for a reader that does not keep up: there is no need to ask the clock.
        if self.at.latest() != self.seen {
            self.at.check_process()?;
            return Ok(true);
        }
        self.wait_long(timeout)
    }

    /// Waits when there are no news yet.
    fn wait_long(&mut self, timeout: Duration) -> Result<bool> {
        self.at.check_process()?;
        let (begin, began) = (Instant::now(), sys::monotonic_ns());
        let deadline = Deadline::after(begin, timeout);
        if self.spin(begin, timeout) {
            let waited = self.published_after(began);
            self.spin.succeeded(waited);
            return Ok(true);
        }
        let mut nap = FIRST_NAP;
        let mut next_check = begin + SLICE;
        loop {
            if self.at.latest() != self.seen {
                let waited = self.published_after(began);
                self.spin.slept(waited);
                return Ok(true);
            }
            if self.at.board().standing() != self.calm {
                if self.look_around()? {
                    continue;
                }
                // A new writer may have revived this very board since.
                if self.at.board().state() != State::Open && self.at.latest() == self.seen {
                    return Err(self.closed());
                }
                continue;
            }
            let Some(left) = deadline.left() else {
                self.spin.slept(Duration::MAX);
                return Ok(false);
            };
            self.sleep(left, &mut nap);
            let now = Instant::now();
            if now >= next_check {
                next_check = now + SLICE;
                self.follow()?;
            }
        }
    }

    /// How long after `began` the news were published, however long it took to be woken by them. A hint.
    fn published_after(&self, began: u64) -> Duration {
        let published = self.at.board().slot(self.at.latest().slot()).map_or(u64::MAX, Slot::time);
        Duration::from_nanos(published.saturating_sub(began))
    }

    /// Looks for a newer value for as long as the last waits make it promising, and tells whether there is one. Nothing depends on it: whoever has not
    /// found any goes the way of the sleepers from its start, which also knows what to do when the channel is closed.
    fn spin(&self, begin: Instant, timeout: Duration) -> bool {
        let budget = self.spin.budget().min(timeout);
        while begin.elapsed() < budget {
            for _ in 0..BURST {
                if self.at.latest() != self.seen {
                    return true;
                }
                if self.at.board().state() != State::Open {
                    return false;
                }
                std::hint::spin_loop();
            }
        }
        false
    }

    /// The news was that the writer closed the channel, or the last value went with it.
    pub(super) fn closed(&self) -> Error {
        Error::Closed { name: self.name().to_owned() }
    }

    /// Sleeps until woken, at most `left` and not for ever.
    fn sleep(&self, left: Duration, nap: &mut Duration) {
        let board = self.at.board();
        let Some(table) = self.at.table() else {
            let time = left.min(*nap);
            *nap = nap.saturating_mul(2).min(LONGEST_NAP);
            // No need to be precise: who cannot announce itself polls.
            std::thread::sleep(time);
            return;
        };
        let bell = table.bell();
        let ticket = bell.ticket();
        bell.announce();
        // Looked at after the announcement, as the handshake wants; `state` is covered too, since whoever changes it changes `wake` afterwards.
        if board.reader_side().latest_before_sleep() != self.seen || board.standing() != self.calm {
            return;
        }
        let time = left.min(SLICE);
        table.sleep(ticket, time);
        fail_point!("wait.slept");
    }
}

/// Calls `open` until it finds a channel or `timeout` has passed.
pub(super) fn for_channel<T>(timeout: Duration, open: impl Fn() -> Result<T>) -> Result<T> {
    let deadline = Deadline::after(Instant::now(), timeout);
    let mut nap = FIRST_NAP;
    loop {
        match open() {
            // The directory may be made along with the channel.
            Err(error @ (Error::NotFound { .. } | Error::MissingDirectory { .. })) => {
                let Some(left) = deadline.left() else { return Err(error) };
                std::thread::sleep(left.min(nap));
                nap = nap.saturating_mul(2).min(LONGEST_NAP);
            }
            other => return other,
        }
    }
}
