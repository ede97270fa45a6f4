//! Files that the tag no longer names: what becomes of them, and why no reader is stranded.
//!
//! A reader that has read the tag opens the file that it names a little later. In fact it opens it
//! three times, as the package does, with copies of the whole array in between. Meanwhile the
//! writer goes on. If the file was gone by then, the reader would not recover (see
//! [`names`](super::names)). So:
//!
//! - A replaced file stays as it is for [`HISTORY_TIME`], within the limit on memory, and the last
//!   two in any case. A reader that opens it gets a whole value that was current a moment ago.
//! - Then a **tombstone** takes its name, by `rename`, so that there is a file of the name at every
//!   moment. It has the same header and length, so it makes no difference which of the three times
//!   the reader opens it. But its stamps differ, so the reader says "not valid" and looks at the
//!   tag again. All tombstones of one header are hard links to one file. That file is sparse: it
//!   takes two pages, as long as no reader reads it.
//! - The name itself goes after [`NAME_TIME`], or when there are [`MOST_NAMES`].
//!
//! A new writer inherits what a killed one leaves. It goes on in the sequence of names. Names that
//! were in the tag it keeps for [`NAME_TIME`]. Names that never were it removes, as it needs the
//! first of them for its next value.
//!
//! So a reader is stranded if ten seconds, or 16,384 publications, go by between its look at
//! the tag and its opening of the file. A process that was stopped in between is an example.
//! Nothing that the writer can know excludes that.
//!
//! A replaced file of some size is recycled for a later value of the same shape. Fresh memory has
//! to be found and cleared page by page, which takes several times as long as the copy itself.
//! Recycling is not in-place writing: the file is given another name, and the tombstone takes the
//! old one. Then the writer asks the kernel for a [lease](crate::sys::Lease), which it gives only
//! if **the file is open or mapped nowhere else**. Otherwise the writer makes a new file. A
//! reader that has found the file under its old name, but has not finished opening it, must wait
//! until the lease is given back. It then finds the new value, whole.

use super::location::Location;
use super::names::Names;
use super::payload::{Payload, Value, create_tombstone, footprint};
use super::proof;
use crate::failpoint::fail_point;
use crate::files::owners::Owners;
use crate::format::python::{Hex, PayloadHeader};
use crate::sys::{self, Lease};
use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// How long a replaced file stays as it is.
///
/// Python's reader copies an array four times before it opens the file for the third time, and only
/// then learns what it gets. That takes 0.1 to 120 milliseconds by its size, and several times as
/// long on a shared processor.
const HISTORY_TIME: Duration = Duration::from_secs(1);

/// Replaced files that the long budget is meant for: half a second at 60 frames a second.
const HISTORY_FILES: usize = 32;

/// Bytes that replaced files may always take, if [`MOST_OF_FREE`] allows: for small files, of which
/// there are many.
const LEAST_BUDGET: usize = 4 << 20;

/// The part of the free bytes that replaced files may take: one eighth at most.
const MOST_OF_FREE: u64 = 8;

/// Time between two checks of the file system's free space.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Replaced files that always stay, until shared memory is full.
///
/// They are for a reader that takes longer, and because one of them will soon be written again.
const LEAST_HISTORY: usize = 2;

/// Time between two checks whether a reader has opened a tombstone.
const LOOK_AT_TOMBSTONE_EVERY: Duration = Duration::from_millis(10);

/// How long a name stays after its file: time for a reader that is about to open it.
const NAME_TIME: Duration = Duration::from_secs(10);

/// The largest number of names that stay.
const MOST_NAMES: usize = 1 << 14;

/// A replaced file.
struct Replaced {
    payload: Payload,
    since: Instant,
    /// The same moment on the clock of access times.
    at: SystemTime,
}

/// A name whose file is a tombstone, or an earlier writer's.
struct Gone {
    hex: Hex,
    since: Instant,
    /// Whether this writer has made the file. Others are removed only if they are proved to be the
    /// channel's.
    is_own: bool,
}

/// The file that replaces files with the same header.
struct Tombstone {
    head: PayloadHeader,
    /// Its newest name.
    hex: Hex,
    /// When a process last opened it, as far as is known.
    accessed: Option<SystemTime>,
    /// When the writer last checked `accessed`.
    looked: Instant,
}

/// How much memory replaced files may take.
///
/// A long history costs more than memory: a writer that cycles through a few files finds them in
/// the processor's caches. So large files have a short history until a reader comes late, as
/// Python's does, and a long one from then on. Access times reveal a late reader: it has opened a
/// file after it had been replaced, or a tombstone.
struct Budget {
    /// The number of bytes that the options fix.
    fixed: Option<usize>,
    /// Whether a reader has come late, or access times would not show it.
    is_long: Option<bool>,
    /// Bytes that replaced files can have, as of `looked`.
    ///
    /// What they hold already, plus the smaller of what file system and control group had free.
    free: u64,
    looked: Option<Instant>,
}

impl Budget {
    /// The limit for files that take `file` bytes, of which `held` bytes are taken now.
    fn bytes(&mut self, location: &Location, file: usize, held: usize, now: Instant) -> usize {
        if let Some(fixed) = self.fixed {
            return fixed;
        }
        if self.looked.is_none_or(|looked| now.saturating_duration_since(looked) >= LOOK_EVERY) {
            // A system that does not report its free memory is assumed to have enough.
            let free = [sys::available(location.dir()), sys::group_memory_left()].into_iter().flatten().min();
            self.free = free.unwrap_or(u64::MAX).saturating_add(held as u64);
            self.looked = Some(now);
        }
        let most = usize::try_from(self.free / MOST_OF_FREE).unwrap_or(usize::MAX);
        let is_long = *self.is_long.get_or_insert_with(|| !Lease::tells_of_access(location.dir()));
        let files = if is_long { HISTORY_FILES } else { 0 };
        file.saturating_mul(files).max(LEAST_BUDGET).min(most)
    }

    /// Whether a late reader would change the limit.
    fn is_open(&self) -> bool {
        self.fixed.is_none() && self.is_long == Some(false)
    }
}

/// The replaced files of one writer, oldest first.
pub(crate) struct Retired {
    mode: u32,
    owners: Owners,
    budget: Budget,
    history: VecDeque<Replaced>,
    bytes: usize,
    gone: VecDeque<Gone>,
    /// The newest tombstone.
    tombstone: Option<Tombstone>,
}

/// When a process last opened a file to map or read it, if known.
fn accessed(path: &Path) -> Option<SystemTime> {
    path.symlink_metadata().and_then(|meta| meta.accessed()).ok()
}

impl Gone {
    /// Best effort: a name that cannot be removed now will not be removed later.
    fn remove(&self, location: &Location, owners: Owners) {
        if self.is_own {
            let _ = sys::remove_file(&location.payload(&self.hex));
        } else {
            let _ = proof::remove_payload(location, &self.hex, owners, true);
        }
    }
}

impl Retired {
    /// `history_bytes`: the fixed limit for replaced files, if there is one.
    pub(crate) fn new(mode: u32, owners: Owners, history_bytes: Option<usize>) -> Self {
        let budget = Budget { fixed: history_bytes, is_long: None, free: 0, looked: None };
        Self { mode, owners, budget, history: VecDeque::new(), bytes: 0, gone: VecDeque::new(), tombstone: None }
    }

    /// Takes a file that the tag has just ceased to name.
    pub(crate) fn add(&mut self, mut payload: Payload) {
        payload.close_small();
        self.bytes = self.bytes.saturating_add(payload.footprint());
        self.history.push_back(Replaced { payload, since: Instant::now(), at: SystemTime::now() });
    }

    /// Takes a name whose file this writer did not make; the file stays untouched until its time is
    /// over.
    pub(crate) fn add_name(&mut self, hex: Hex) {
        self.gone.push_back(Gone { hex, since: Instant::now(), is_own: false });
    }

    /// Retires expired files.
    ///
    /// Recycles one for `value`, under the name `hex`, if its header matches and no process has it
    /// open.
    pub(crate) fn clear(&mut self, location: &Location, hex: &Hex, value: &Value<'_>) -> Option<Payload> {
        let now = Instant::now();
        let mut reused = None;
        while self.history.len() > LEAST_HISTORY
            && let Some(oldest) = self.history.front()
        {
            let size = oldest.payload.footprint().max(footprint(value.head));
            let is_due = now.saturating_duration_since(oldest.since) >= HISTORY_TIME;
            if !is_due && self.bytes <= self.budget.bytes(location, size, self.bytes, now) {
                break;
            }
            if self.budget.is_open() && self.has_late_reader(location, now) {
                self.budget.is_long = Some(true);
                continue;
            }
            let Some(mut payload) = self.take_oldest() else { break };
            let fits = reused.is_none() && payload.is_kept() && payload.head() == value.head;
            // A second name, so that the file survives the loss of its first.
            let fits = fits && fs::hard_link(location.payload(payload.hex()), location.payload(hex)).is_ok();
            fail_point!("shelf.linked");
            let buried = self.bury(location, &payload);
            if fits {
                payload.rename(*hex);
                if buried && matches!(payload.rewrite_alone(value), Ok(true)) {
                    reused = Some(payload);
                } else {
                    // A process has it open and keeps it. The memory goes when that process closes
                    // it.
                    let _ = sys::remove_file(&location.payload(hex));
                }
            }
        }
        self.forget(location, now);
        reused
    }

    /// Frees the memory of all replaced files, because none is left.
    pub(crate) fn squeeze(&mut self, location: &Location) {
        while let Some(payload) = self.take_oldest() {
            self.bury(location, &payload);
        }
    }

    /// Removes everything.
    pub(crate) fn remove_all(&mut self, location: &Location) {
        self.tombstone = None;
        for old in self.history.drain(..) {
            let _ = sys::remove_file(&location.payload(old.payload.hex()));
            fail_point!("shelf.removed");
        }
        for old in self.gone.drain(..) {
            old.remove(location, self.owners);
            fail_point!("shelf.name_removed");
        }
    }

    /// Whether a reader came late.
    ///
    /// It has opened the oldest file after it was replaced, or the tombstone since the last check.
    fn has_late_reader(&mut self, location: &Location, now: Instant) -> bool {
        let is_late = |old: &Replaced| old.payload.accessed().is_some_and(|accessed| accessed > old.at);
        let came_for_tombstone = |tombstone: &mut Tombstone| {
            // Its access time covers the whole time since.
            if now.saturating_duration_since(tombstone.looked) < LOOK_AT_TOMBSTONE_EVERY {
                return false;
            }
            tombstone.looked = now;
            let accessed = accessed(&location.payload(&tombstone.hex));
            let before = std::mem::replace(&mut tombstone.accessed, accessed);
            before.is_some() && accessed.is_some() && before != accessed
        };
        self.history.front().is_some_and(is_late) || self.tombstone.as_mut().is_some_and(came_for_tombstone)
    }

    fn take_oldest(&mut self) -> Option<Payload> {
        let oldest = self.history.pop_front()?;
        self.bytes = self.bytes.saturating_sub(oldest.payload.footprint());
        Some(oldest.payload)
    }

    /// Puts a tombstone in the place of a file; returns whether that succeeded.
    ///
    /// If not, the file stays until its name goes.
    fn bury(&mut self, location: &Location, payload: &Payload) -> bool {
        let (path, hex) = (location.payload(payload.hex()), *payload.hex());
        let aside = location.payload(&Names::aside(&hex));
        let linked = self.tombstone.as_ref().is_some_and(|tombstone| {
            tombstone.head == *payload.head() && fs::hard_link(location.payload(&tombstone.hex), &aside).is_ok()
        });
        fail_point!("tombstone.linked");
        let made = linked || create_tombstone(&aside, self.mode, payload.head()).is_ok();
        fail_point!("tombstone.made");
        let buried = made && fs::rename(&aside, &path).is_ok();
        fail_point!("tombstone.placed");
        if buried {
            if !linked {
                self.tombstone = Some(Tombstone {
                    head: payload.head().clone(),
                    hex,
                    accessed: accessed(&path),
                    looked: Instant::now(),
                });
            } else if let Some(tombstone) = &mut self.tombstone {
                tombstone.hex = hex;
            }
        } else if made {
            let _ = sys::remove_file(&aside);
        }
        self.gone.push_back(Gone { hex, since: Instant::now(), is_own: true });
        buried
    }

    /// Removes the names whose time is over.
    fn forget(&mut self, location: &Location, now: Instant) {
        while let Some(oldest) = self.gone.front()
            && (now.saturating_duration_since(oldest.since) >= NAME_TIME || self.gone.len() > MOST_NAMES)
        {
            oldest.remove(location, self.owners);
            fail_point!("shelf.forgotten");
            if self.tombstone.as_ref().is_some_and(|tombstone| tombstone.hex == oldest.hex) {
                self.tombstone = None;
            }
            self.gone.pop_front();
        }
    }
}
