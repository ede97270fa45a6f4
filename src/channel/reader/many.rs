//! Waiting for several channels at once.
//!
//! The handshake is that of one reader, made with each board: a ticket is taken and the sleep
//! announced on all of them, then all are looked at again, and then the thread sleeps on all words
//! in one system call. `protocol/src/channel/models/many.rs` has the models.
//!
//! Where the system cannot do that, or has no room for so many words, it naps and looks.

use super::Reader;
use super::deadline::{
    Deadline, LONGEST_NAP, LOOKS_AT_GONE, WRITER_SLICE, names_at_a_time, slice_for, time_between_looks,
};
use super::look::{Known, Look};
use super::spin::BURST;
use crate::error::{Error, Result};
use crate::sys::{self, WaitSet};
use std::fmt;
use std::time::{Duration, Instant};

/// The longest nap while more words are waited for than the system takes at once.
const NAP_IN_GROUPS: Duration = Duration::from_millis(1);

/// Which of several readers have news; see [`wait_any`].
///
/// Readers are named by their index in the list that was waited for.
#[derive(Clone, PartialEq, Eq)]
pub struct Ready {
    news: Bits,
    closed: Bits,
}

impl Ready {
    fn new(readers: usize) -> Self {
        Self { news: Bits::new(readers), closed: Bits(Vec::new()) }
    }

    /// Whether no reader has news: the time is over, or a waker has ended the wait.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.news.0.iter().all(|word| *word == 0)
    }

    /// Whether the reader has news: a newer value, or a close.
    #[must_use]
    pub fn contains(&self, reader: usize) -> bool {
        self.news.contains(reader)
    }

    /// Whether the reader's news is that its channel has been closed.
    ///
    /// Its last value has been read before. It is said once for each close.
    #[must_use]
    pub fn is_closed(&self, reader: usize) -> bool {
        self.closed.contains(reader)
    }

    /// The indices of the readers that have news, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let words = self.news.0.iter().enumerate();
        words.flat_map(|(i, word)| (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| i * 64 + bit))
    }

    fn add_close(&mut self, reader: usize) {
        if self.closed.0.is_empty() {
            self.closed = Bits(vec![0; self.news.0.len()]);
        }
        self.closed.insert(reader);
        self.news.insert(reader);
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closed: Vec<_> = self.iter().filter(|reader| self.is_closed(*reader)).collect();
        f.debug_struct("Ready").field("news", &self.iter().collect::<Vec<_>>()).field("closed", &closed).finish()
    }
}

/// A set of indices, a bit for each.
#[derive(Clone, PartialEq, Eq)]
struct Bits(Vec<u64>);

impl Bits {
    fn new(len: usize) -> Self {
        Self(vec![0; len.div_ceil(64)])
    }

    fn insert(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }

    fn contains(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }
}

/// Blocks until any of the readers has news, and returns which of them do.
///
/// News are a value newer than the reader's last one, or a close that it has not been told of. The
/// values stay where they are: [`Reader::read`] or its like gets them. All readers are looked at
/// each time, so a channel that is written to without pause does not hide another. The answer is
/// empty when `timeout` has passed, or when a [waker](Reader::waker) of one of the readers has
/// ended the wait.
///
/// The thread sleeps on all channels in one system call, without another thread: on Linux since
/// 5.16 up to 128 channels and wakers, on Windows up to 64. Beyond, it sleeps on a group of them at
/// a time, and looks at all others after a millisecond at most. Where the system has no such call,
/// or a sandbox refuses it, the thread looks at all of them after naps that grow to 1.6 ms.
///
/// A writer's death ends no wait, unless a reader was opened with
/// [`end_with_writer`](crate::Options::end_with_writer): then it is an error with its name. A name
/// that leads to another channel is followed, as in [`Reader::wait`]. With more than ten readers it
/// may take longer until such a name is noticed, up to a second. Two readers of one channel may
/// wait together.
///
/// After it has returned, each channel that had nothing new may cost its writer one idle wake-up.
///
/// # Errors
///
/// [`Error::NothingToWaitFor`] when the list is empty; otherwise as [`Reader::wait`], of any of the
/// readers, but without [`Error::Closed`]. An error is returned when no reader has news.
///
/// ```
/// # use std::time::Duration;
/// # fn main() -> ndsharray::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let options = ndsharray::Options::new().dir(dir.path());
/// # let mut writer = options.create::<f32>("left")?;
/// # let _right = options.create::<f32>("right")?;
/// # let (mut left, mut right) = (options.open("left")?, options.open("right")?);
/// # writer.write(&[1], &[1.0])?;
/// let mut readers = [&mut left, &mut right];
/// let ready = ndsharray::wait_any(&mut readers, Duration::from_secs(1))?;
/// for i in ready.iter() {
///     if let Some(sample) = readers[i].read()? {
///         println!("{}", sample.view::<f32>()?[[0]]);
///     }
/// }
/// assert!(ready.contains(0) && !ready.contains(1));
/// # Ok(())
/// # }
/// ```
pub fn wait_any(readers: &mut [&mut Reader], timeout: Duration) -> Result<Ready> {
    if readers.is_empty() {
        return Err(Error::NothingToWaitFor);
    }
    let mut is_over = false;
    for reader in readers.iter() {
        reader.at.check_process()?;
        is_over |= reader.begin_wait();
    }
    if is_over {
        return Ok(Ready::new(readers.len()));
    }
    let next_death = Instant::now();
    Wait { readers, known: Vec::new(), set: WaitSet::new(), first: 0, next_death }.until_news(timeout)
}

/// One call of [`wait_any`].
struct Wait<'a, 'b> {
    readers: &'a mut [&'b mut Reader],
    /// How each board stood at the last look.
    known: Vec<Known>,
    set: WaitSet,
    /// The reader with which the group begins that is slept on next, if all are too many.
    first: usize,
    /// When to ask next whether a writer has died, for readers that want to know.
    next_death: Instant,
}

impl Wait<'_, '_> {
    fn until_news(&mut self, timeout: Duration) -> Result<Ready> {
        let began = sys::monotonic_ns();
        if let Some(ready) = self.look(Instant::now())? {
            return Ok(ready);
        }
        let mut deadline = Deadline::after(timeout);
        let begin = deadline.begin();
        let has_spun = self.spin(begin, timeout);
        loop {
            if self.is_woken() {
                return Ok(Ready::new(self.readers.len()));
            }
            if let Some(ready) = self.look(Instant::now())? {
                self.note_success(&ready, began, has_spun);
                return Ok(ready);
            }
            self.check_writers()?;
            let Some(left) = deadline.left() else {
                self.readers.iter_mut().for_each(|reader| reader.spin.slept(Duration::MAX));
                return Ok(Ready::new(self.readers.len()));
            };
            self.sleep(left);
        }
    }

    fn every(&self) -> Duration {
        time_between_looks(self.readers.len())
    }

    /// Whether a waker ends this wait. All wakes are used up.
    fn is_woken(&self) -> bool {
        let mut is_woken = false;
        for reader in self.readers.iter() {
            is_woken |= reader.is_wait_over();
        }
        is_woken
    }

    /// Looks at every channel; `None` when none has news.
    fn look(&mut self, now: Instant) -> Result<Option<Ready>> {
        let (count, every) = (self.readers.len(), self.every());
        let mut names = names_at_a_time(count);
        let mut ready: Option<Ready> = None;
        let mut failure = None;
        self.known.clear();
        for (i, reader) in self.readers.iter_mut().enumerate() {
            let is_due = names > 0 && now >= reader.next_look;
            names -= usize::from(is_due);
            // Where no notification comes, the name is looked at more often.
            let every = if reader.is_told() { every / LOOKS_AT_GONE } else { every };
            let mut found = reader.look(now, is_due, every);
            if matches!(found, Ok(Look::Moved)) {
                found = reader.look(now, false, every);
            }
            let known = match found {
                Ok(Look::News) => {
                    ready.get_or_insert_with(|| Ready::new(count)).news.insert(i);
                    Known::NOTHING
                }
                Ok(Look::Closed(known)) => {
                    ready.get_or_insert_with(|| Ready::new(count)).add_close(i);
                    known
                }
                Ok(Look::Nothing(known)) => known,
                // It moved twice: the next look shows where to.
                Ok(Look::Moved) => Known::NOTHING,
                Err(error) => {
                    failure.get_or_insert(error);
                    reader.next_look = now;
                    Known::NOTHING
                }
            };
            self.known.push(known);
        }
        if let Some(ready) = ready {
            for (i, (reader, known)) in self.readers.iter_mut().zip(&self.known).enumerate() {
                if ready.is_closed(i) {
                    reader.close_told = known.epoch;
                    reader.settle();
                }
            }
            return Ok(Some(ready));
        }
        failure.map_or(Ok(None), Err)
    }

    /// Fails when a writer has died whose reader wants to know.
    fn check_writers(&mut self) -> Result<()> {
        let now = Instant::now();
        if now < self.next_death {
            return Ok(());
        }
        self.next_death = now + WRITER_SLICE;
        match self.readers.iter().find(|reader| reader.end_with_writer && reader.is_orphaned()) {
            Some(reader) => Err(Error::WriterGone { name: reader.name().to_owned() }),
            None => Ok(()),
        }
    }

    /// Looks for newer values for as long as the last waits make it promising.
    fn spin(&self, begin: Instant, timeout: Duration) -> bool {
        let budget = self.readers.iter().map(|reader| reader.spin.budget()).max().unwrap_or_default().min(timeout);
        while begin.elapsed() < budget {
            for _ in 0..BURST {
                if self.readers.iter().any(|reader| reader.at.latest() != reader.seen) {
                    return true;
                }
                std::hint::spin_loop();
            }
        }
        false
    }

    fn note_success(&mut self, ready: &Ready, began: u64, has_spun: bool) {
        for i in ready.iter() {
            if let Some(reader) = self.readers.get_mut(i) {
                let waited = reader.published_after(began);
                if has_spun { reader.spin.succeeded(waited) } else { reader.spin.slept(waited) }
            }
        }
    }

    /// Sleeps until woken, at most `left` and not forever.
    fn sleep(&mut self, left: Duration) {
        let mut time = left.min(slice_for(self.readers.len()));
        for (reader, known) in self.readers.iter().zip(&self.known) {
            if reader.end_with_writer {
                time = time.min(WRITER_SLICE);
            }
            if known.is_gone() {
                time = time.min(self.every() / LOOKS_AT_GONE);
            } else if reader.at.table().is_none() {
                time = time.min(LONGEST_NAP);
            }
        }
        self.set.clear();
        if !WaitSet::is_woken() {
            self.set.sleep(time);
            return;
        }
        // A ticket and an announcement for each, then a look at each.
        let count = self.readers.len();
        let mut group = 0;
        for at in (self.first..count).chain(0..self.first) {
            let (Some(reader), Some(known)) = (self.readers.get(at), self.known.get(at)) else { break };
            let wakes = reader.wakes.get();
            if self.set.len() + usize::from(wakes.is_some()) + 1 > WaitSet::MAX {
                break;
            }
            group += 1;
            if wakes.is_some_and(|wakes| wakes.add_to(&mut self.set)) {
                return;
            }
            if let Some(table) = reader.at.table().filter(|_| !known.is_gone()) {
                let event = table.event_count();
                let ticket = event.ticket();
                event.announce();
                table.add_to(&mut self.set, ticket);
            }
        }
        if self.readers.iter().zip(&self.known).any(|(reader, known)| reader.at.differs(reader.seen, *known)) {
            return;
        }
        if group < count {
            self.first = (self.first + group) % count;
            time = time.min(NAP_IN_GROUPS);
        }
        if self.set.len() > 0 {
            self.set.sleep(time);
        } else {
            std::thread::sleep(time);
        }
    }
}
