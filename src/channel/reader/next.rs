//! Reading in order: the oldest value newer than the last one read.
//!
//! One cursor serves all ways to read. `read`, `latest` and `wait` move it to the current value,
//! these here to the next one that still stands. It never goes back.

use super::cursor::Next;
use super::deadline::Deadline;
use super::sample::{OwnedSample, Sample};
use super::unpinned::Info;
use super::{ATTEMPTS, CHANNELS, Mode, Reader};
use crate::channel::board::Lead;
use crate::element::ShElement;
use crate::error::{Error, Result};
use crate::failpoint::fail_point;
use crate::format::error::HeaderError;
use ndsharray_protocol::channel::{Latest, OlderPin, PinAttempt};
use std::time::Duration;

impl Reader {
    /// The oldest value newer than the last one read that still stands.
    ///
    /// `None` when there is nothing newer. Never blocks. [`Sample::missed`] counts the values
    /// before it that have gone. A writer keeps older values when it is asked to
    /// ([`Options::history`](crate::Options::history)); otherwise this is mostly the current one.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read). A value that is damaged, or too large for this reader, is reported
    /// once, and counts as missed then. [`Error::Corrupt`] also when an older value cannot be found
    /// because the words that lead to it are damaged; [`latest`](Self::latest) still returns the
    /// current one, and reading goes on from there. [`Error::LosslessRefused`] once, when a next
    /// writer does not wait for this [lossless](crate::Options::lossless) reader.
    ///
    /// ```
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let options = ndsharray::Options::new().dir(dir.path());
    /// let mut writer = options.clone().history(4).create::<u8>("doc-next")?;
    /// for frame in 1..=6 {
    ///     writer.write(&[1], &[frame])?;
    /// }
    /// let mut reader = options.clone().from_oldest(true).open("doc-next")?;
    /// let mut seen = Vec::new();
    /// while let Some(sample) = reader.read_next()? {
    ///     seen.push(sample.seq());
    /// }
    /// assert!(seen.ends_with(&[3, 4, 5, 6]));
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn read_next(&mut self) -> Result<Option<Sample<'_>>> {
        match self.pin_next()? {
            Some(at) => Ok(self.sample(at)),
            None => Ok(None),
        }
    }

    /// [`read_next`](Self::read_next), for a sample independent of this reader.
    ///
    /// As with [`read_owned`](Self::read_owned), it owns a copy or holds the value in place.
    ///
    /// # Errors
    ///
    /// As [`read_next`](Self::read_next).
    pub fn read_next_owned(&mut self) -> Result<Option<OwnedSample>> {
        match self.mode {
            Mode::Pinning => Ok(self.read_next()?.map(Sample::into_owned)),
            Mode::CopyOnly => self.copy_next_owned(),
        }
    }

    /// Copies into `out` what [`read_next`](Self::read_next) would return.
    ///
    /// # Errors
    ///
    /// As [`read_next`](Self::read_next) and [`read_into`](Self::read_into).
    pub fn read_next_into<T: ShElement>(&mut self, out: &mut Vec<T>) -> Result<Option<Info>> {
        self.copy_next_into(out)
    }

    /// Blocks until there is a value newer than the last one read, and returns the oldest of them.
    ///
    /// `None` when `timeout` has passed. Otherwise as [`wait`](Self::wait), but in order: a reader
    /// that slept while several values came gets them one by one.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait) and [`read_next`](Self::read_next). [`Error::Closed`] comes after
    /// the last value that still stands for this reader.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let options = ndsharray::Options::new().dir(dir.path());
    /// # let mut writer = options.clone().history(4).create::<u8>("doc-wait-next")?;
    /// # let mut recorder = options.open("doc-wait-next")?;
    /// # writer.write(&[1], &[1])?;
    /// # writer.write(&[1], &[2])?;
    /// while let Some(sample) = recorder.wait_next(Duration::from_millis(20))? {
    ///     println!("value {}, {} missed before it", sample.seq(), sample.missed());
    /// }
    /// # assert_eq!(recorder.seq(), Some(2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_next(&mut self, timeout: Duration) -> Result<Option<Sample<'_>>> {
        let mut deadline = Deadline::after(timeout);
        while self.wait_until(&mut deadline)? {
            if let Some(at) = self.pin_next_here()? {
                return Ok(self.sample(at));
            }
            if deadline.left().is_none() {
                break;
            }
        }
        Ok(None)
    }

    /// [`wait_next`](Self::wait_next), for a sample independent of this reader.
    ///
    /// As with [`read_owned`](Self::read_owned), it owns a copy or holds the value in place.
    ///
    /// # Errors
    ///
    /// As [`wait_next`](Self::wait_next).
    pub fn wait_next_owned(&mut self, timeout: Duration) -> Result<Option<OwnedSample>> {
        let mut deadline = Deadline::after(timeout);
        while self.wait_until(&mut deadline)? {
            if let Some(sample) = self.read_next_owned()? {
                return Ok(Some(sample));
            }
            if deadline.left().is_none() {
                break;
            }
        }
        Ok(None)
    }

    /// Pins the next value and has it in the cache; follows the name if need be.
    #[inline]
    fn pin_next(&mut self) -> Result<Option<Latest>> {
        for _ in 0..CHANNELS {
            if let Some(at) = self.pin_next_here()? {
                return Ok(Some(at));
            }
            if !self.has_news()? {
                break;
            }
        }
        Ok(None)
    }

    /// The same on this board. Without a next value there is nothing newer to be seen.
    #[inline]
    fn pin_next_here(&mut self) -> Result<Option<Latest>> {
        self.check_terms()?;
        let latest = self.at.latest();
        if latest == self.seen || latest.is_none() {
            self.seen = latest;
            return Ok(None);
        }
        // As it is for a reader that keeps up.
        if number_after(self.cursor()) == latest.number() {
            // Asked beforehand, as in `pin`.
            let fresh = self.cache.is_fresh(latest);
            if self.at.try_pin(latest)? == PinAttempt::Pinned {
                if fresh || self.cache.renew(self.at.board(), latest) {
                    return Ok(Some(latest));
                }
                return self.resolve_next(latest);
            }
        }
        self.pin_in_order()
    }

    /// Pins the first value after the cursor that still stands.
    fn pin_in_order(&mut self) -> Result<Option<Latest>> {
        let mut after = self.cursor();
        for _ in 0..ATTEMPTS {
            let Next::At(at) = self.next_after(after)? else { return Ok(None) };
            let is_current = at == self.at.latest();
            let attempt = if is_current { self.at.try_pin(at)?.into() } else { self.at.try_pin_older(at)? };
            match attempt {
                OlderPin::Pinned => match self.resolve_next(at)? {
                    Some(at) => return Ok(Some(at)),
                    None => after = at.number(),
                },
                // It may stand as an older value.
                OlderPin::Gone if is_current => {}
                OlderPin::Gone => after = at.number(),
                OlderPin::Broken => match self.look_for(at.slot()) {
                    Lead::News => {}
                    Lead::Gone => after = at.number(),
                    Lead::Wrong => {
                        return Err(HeaderError::Slot { number: at.number(), slot: at.slot().get() }.into());
                    }
                },
            }
        }
        Err(Error::Contended { attempts: ATTEMPTS })
    }

    /// Has the pinned value in the cache; unpins it if that fails.
    ///
    /// `None` when the value went with its channel.
    fn resolve_next(&mut self, at: Latest) -> Result<Option<Latest>> {
        if self.cache.is_fresh(at) || self.cache.renew(self.at.board(), at) {
            return Ok(Some(at));
        }
        match self.resolve(at) {
            Ok(found) => {
                fail_point!("older.resolved");
                Ok(found)
            }
            Err(error) => {
                self.give_up_if_damaged(at, &error);
                Err(error)
            }
        }
    }

    /// Reports once that a lossless reader has got a writer that does not wait for it.
    ///
    /// It is an ordinary one then.
    #[inline]
    pub(super) fn check_terms(&mut self) -> Result<()> {
        if self.lossless { self.check_lossless() } else { Ok(()) }
    }

    fn check_lossless(&mut self) -> Result<()> {
        if self.at.board().terms().waits {
            return Ok(());
        }
        self.lossless = false;
        self.at.give_up_lossless(self.cursor());
        Err(Error::LosslessRefused { name: self.name().to_owned() })
    }
}

#[inline]
fn number_after(number: u64) -> u64 {
    number.saturating_add(1)
}
