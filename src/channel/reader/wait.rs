//! Waiting for a value, and for a channel.
//!
//! | what happens while a reader waits | answer |
//! |---|---|
//! | a newer value is published | that value, or one published since |
//! | nothing until the time-out | `None` |
//! | the writer closes the channel | its last value, then [`Error::Closed`], at once and once; the next wait sleeps until a successor publishes |
//! | the writer dies | the wait goes on, as a new writer may come; with [`Options::end_with_writer`](crate::Options::end_with_writer) it is [`Error::WriterGone`] |
//! | a new writer takes over, or makes the channel anew under the same name | the wait goes on, there |
//! | a signal | the wait goes on |
//! | a waker of the reader is used | `None`, at once |

use super::Reader;
use super::deadline::{Deadline, FIRST_NAP, LONGEST_NAP, SLICE, WRITER_SLICE};
use super::look::{Known, Look};
use super::sample::{OwnedSample, Sample};
use super::spin::BURST;
use crate::channel::board::HeaderWords;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::sys;
use ndsharray_protocol::channel::{Slot, Standing, State};
use std::time::{Duration, Instant};

/// The longest nap of a reader without a channel, which no wake can reach.
///
/// The channel has been closed and is gone.
pub(super) const LONGEST_NAP_WITHOUT_CHANNEL: Duration = Duration::from_millis(10);

impl Reader {
    /// Blocks until a value newer than the last one read is current, and returns it.
    ///
    /// `None` when `timeout` has passed, or a [waker](Self::waker) has ended the wait.
    ///
    /// Sleeps in the kernel; the writer wakes it. While values come within microseconds it looks
    /// for the next one for a moment before it sleeps ([`Options::spin`](crate::Options::spin)).
    ///
    /// When the writer dies the wait goes on, as a new writer may take over.
    /// [`is_writer_alive`](Self::is_writer_alive) shows whether there is one, and
    /// [`Options::end_with_writer`](crate::Options::end_with_writer) has the wait end.
    ///
    /// # Errors
    ///
    /// [`Error::WriterGone`] when the writer has died, for readers that asked for it.
    /// [`Error::Closed`] when the writer has closed the channel and the last value that still
    /// stands for this reader has been read: once for each close. After that, waiting goes on until
    /// a new writer publishes; [`is_closed`](Self::is_closed) returns true as long as the channel
    /// is closed. Otherwise as [`read`](Self::read).
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
        let mut deadline = Deadline::after(timeout);
        while self.wait_until(&mut deadline)? {
            if let Some(latest) = self.pin()? {
                return Ok(self.sample(latest));
            }
            // It went with its channel: what counts is what comes next.
            if deadline.left().is_none() {
                break;
            }
        }
        Ok(None)
    }

    /// [`wait`](Self::wait), for a sample independent of this reader.
    ///
    /// As with [`read_owned`](Self::read_owned), it owns a copy or holds the value in place.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn wait_owned(&mut self, timeout: Duration) -> Result<Option<OwnedSample>> {
        let mut deadline = Deadline::after(timeout);
        while self.wait_until(&mut deadline)? {
            if let Some(sample) = self.own()? {
                return Ok(Some(sample));
            }
            if deadline.left().is_none() {
                break;
            }
        }
        Ok(None)
    }

    /// Waits as [`wait`](Self::wait) does, without reading the value.
    ///
    /// Returns whether there is something newer.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn wait_for_news(&mut self, timeout: Duration) -> Result<bool> {
        self.wait_until(&mut Deadline::after(timeout))
    }

    #[inline]
    pub(super) fn wait_until(&mut self, deadline: &mut Deadline) -> Result<bool> {
        // As it is for a reader that does not keep up: there is no need to ask the clock.
        if self.at.latest() != self.seen && self.at.is_way_short() {
            return Ok(true);
        }
        self.wait_long(deadline)
    }

    /// Waits when there are no news yet, or a waker may have ended the wait.
    fn wait_long(&mut self, deadline: &mut Deadline) -> Result<bool> {
        self.at.check_process()?;
        if self.begin_wait() {
            return Ok(false);
        }
        if self.at.latest() != self.seen {
            return Ok(true);
        }
        let (begin, began) = (deadline.begin(), sys::monotonic_ns());
        if self.spin(begin, deadline.timeout) {
            let waited = self.published_after(began);
            self.spin.succeeded(waited);
            return Ok(true);
        }
        let mut nap = FIRST_NAP;
        loop {
            if self.is_wait_over() {
                return Ok(false);
            }
            // Also when it is asked in pieces that are shorter than a slice.
            let now = Instant::now();
            let is_due = now >= self.next_look || self.is_told();
            let known = match self.look(now, is_due, SLICE)? {
                Look::News => {
                    let waited = self.published_after(began);
                    self.spin.slept(waited);
                    return Ok(true);
                }
                Look::Moved => {
                    nap = FIRST_NAP;
                    if deadline.left().is_none() && self.at.latest() == self.seen {
                        return Ok(false);
                    }
                    continue;
                }
                Look::Closed(known) => {
                    self.close_told = known.epoch;
                    self.settle();
                    return Err(self.closed());
                }
                Look::Nothing(known) => known,
            };
            if self.end_with_writer && self.is_orphaned() {
                return Err(Error::WriterGone { name: self.name().to_owned() });
            }
            let Some(left) = deadline.left() else {
                self.spin.slept(Duration::MAX);
                return Ok(false);
            };
            self.sleep(left, &mut nap, known);
        }
    }

    /// One look at the channel, before a sleep.
    ///
    /// `is_due` has it make sure that the channel still has the name, which is due again `every` so
    /// often.
    pub(super) fn look(&mut self, now: Instant, is_due: bool, every: Duration) -> Result<Look> {
        if self.at.latest() != self.seen {
            return Ok(Look::News);
        }
        // In this order: a state that is newer than its epoch is looked at again before the reader
        // sleeps.
        let epoch = self.at.board().epoch();
        let standing = self.at.board().standing();
        let state = standing.state();
        if is_due {
            self.next_look = now + every;
        }
        if standing != self.calm {
            self.check_terms()?;
            self.let_go();
            self.calm = if state == State::Open && !self.is_watched() { standing } else { Standing::UNKNOWN };
        }
        let is_told = state != State::Open && self.close_told == epoch;
        if (is_due || (state != State::Open && !is_told)) && self.follow()? {
            return Ok(Look::Moved);
        }
        let known = Known { standing, epoch };
        if state != State::Open && self.at.latest() == self.seen {
            self.clear_up();
            if self.close_told != epoch {
                return Ok(Look::Closed(known));
            }
        }
        Ok(Look::Nothing(known))
    }

    /// Whether the close of the channel has been reported, and no writer has come since.
    pub(super) fn is_told(&self) -> bool {
        let board = self.at.board();
        board.state() != State::Open && board.epoch() == self.close_told
    }

    /// How long after `began` the news were published, without the time of the wake-up.
    ///
    /// A hint.
    pub(super) fn published_after(&self, began: u64) -> Duration {
        let published = self.at.board().slot(self.at.latest().slot()).map_or(u64::MAX, Slot::time);
        Duration::from_nanos(published.saturating_sub(began))
    }

    /// Looks for a newer value for as long as the last waits make it promising.
    ///
    /// Returns whether there is one. Nothing depends on it: a reader that has not found any goes
    /// the way of the sleepers from its start, which also handles a closed channel.
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

    /// Whether the writer has died, and its last value has been read.
    pub(super) fn is_orphaned(&self) -> bool {
        // In this order: what is current is final once the writer is dead.
        self.at.is_writer_dead(&self.location, self.owners) && self.at.latest() == self.seen
    }

    pub(super) fn closed(&self) -> Error {
        Error::Closed { name: self.name().to_owned() }
    }

    /// Sleeps until woken, at most `left` and not forever.
    ///
    /// Does not sleep if the board differs from `known`.
    fn sleep(&self, left: Duration, nap: &mut Duration, known: Known) {
        let Some(table) = self.at.table().filter(|_| !known.is_gone()) else {
            let longest = if known.is_gone() { LONGEST_NAP_WITHOUT_CHANNEL } else { LONGEST_NAP };
            let time = left.min(*nap);
            *nap = nap.saturating_mul(2).min(longest);
            // No need to be precise: a reader polls if it cannot announce itself, or no process
            // would wake it.
            std::thread::sleep(time);
            return;
        };
        let event = table.event_count();
        let ticket = event.ticket();
        event.announce();
        if self.at.differs(self.seen, known) {
            return;
        }
        let time = left.min(if self.end_with_writer { WRITER_SLICE } else { SLICE });
        match self.wakes.get() {
            None => table.sleep(ticket, time),
            Some(wakes) => wakes.sleep_beside(table, ticket, time),
        }
        fail_point!("wait.slept");
    }
}
