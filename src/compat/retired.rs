//! Files that the tag no longer names: what becomes of them, and why nobody is stranded.
//!
//! A reader that has read the tag opens the file it names a little later; three times in fact, the
//! way the package does it, and with copies of the whole array in between. Meanwhile the writer
//! goes on. If the file was gone by then, the reader would not recover (see
//! [`names`](super::names)). So:
//!
//! - A replaced file stays as it is for [`HISTORY_TIME`], within the limit on memory, and the last
//!   two in any case. Whoever opens it gets a whole value that was current a moment ago.
//! - Then a **tombstone** takes its name, by `rename`, so that there is a file of the name at every
//!   moment. It has the same header and length, so that it makes no difference which of the three
//!   times the reader opens it; but its stamps differ, so that the reader says "not valid" and
//!   looks at the tag again. All tombstones of one header are hard links to one file, and that file
//!   is sparse: it takes two pages, as long as nobody reads it.
//! - The name itself goes after [`NAME_TIME`], or when there are [`MOST_NAMES`].
//!
//! What a killed writer leaves is inherited: the next one goes on in the sequence of names, keeps
//! those that were in the tag for [`NAME_TIME`], and removes those that never were, as it wants the
//! first of them for its next value.
//!
//! So a reader is stranded if ten seconds, or 16,384 publications, go by between its look at the
//! tag and its opening of the file: a process that was stopped in between, say. Nothing that the
//! writer can know excludes that.
//!
//! A replaced file of some size is used for a later value of the same shape, because fresh memory
//! has to be found and cleared page by page, which takes several times as long as the copy itself.
//! That is not in-place writing: the file is given another name, the tombstone takes the old one,
//! and then the kernel is asked for a [lease](crate::sys::Lease), which it gives only if **nobody
//! else has the file open or mapped**; otherwise a new file is made. Whoever found the file under
//! its old name but has not finished opening it must wait until the lease is given back, and finds
//! the new value, whole.

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

/// How long a replaced file stays as it is. Python's reader copies an array four times before it
/// opens the file for the third time, which is when it finds out what it gets: 0.1 to 120
/// milliseconds by its size, several times as long where it has to share its processor.
const HISTORY_TIME: Duration = Duration::from_secs(1);

/// Replaced files that the memory for them is for: half a second at 60 frames a second.
const HISTORY_FILES: usize = 32;

/// Bytes that replaced files may take in any case that [`MOST_OF_FREE`] allows: for small ones, of
/// which there are many.
const LEAST_BUDGET: usize = 4 << 20;

/// Replaced files take no more than one such part of what the file system has free.
const MOST_OF_FREE: u64 = 8;

/// Time between two looks at what the file system has free.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Replaced files that stay in any case, until shared memory is full: for a reader that takes
/// longer, and because one of them will soon be written again.
const LEAST_HISTORY: usize = 2;

/// Time between two looks at whether a reader has come for a tombstone.
const LOOK_AT_TOMBSTONE_EVERY: Duration = Duration::from_millis(10);

/// How long a name stays after its file.
const NAME_TIME: Duration = Duration::from_secs(10);

/// Names that stay at most.
const MOST_NAMES: usize = 1 << 14;

/// A replaced file.
struct Replaced {
    payload: Payload,
    since: Instant,
    /// The same on the clock of access times.
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

/// What takes the place of files with the same header.
struct Tombstone {
    head: PayloadHeader,
    /// Its newest name.
    hex: Hex,
    /// When it was last opened, as far as is known.
    accessed: Option<SystemTime>,
    /// When the writer looked at that.
    looked: Instant,
}

/// How much memory replaced files may take.
///
/// A long history costs more than memory: a writer that goes round in a few files finds them in the
/// processor's caches. So large files have a short history until a reader comes late, as Python's
/// does, and from then on a long one. Access times tell: of a file that was opened after it had
/// been replaced, or of a tombstone.
struct Budget {
    /// What the options say.
    fixed: Option<usize>,
    /// Whether a reader has come late, or access times would not tell.
    is_long: Option<bool>,
    /// What the file system and the control group had free, and when that was.
    free: u64,
    looked: Option<Instant>,
}

impl Budget {
    /// For files that take `file` bytes, of which `held` bytes are taken now.
    fn bytes(&mut self, location: &Location, file: usize, held: usize, now: Instant) -> usize {
        if let Some(fixed) = self.fixed {
            return fixed;
        }
        if self.looked.is_none_or(|looked| now.saturating_duration_since(looked) >= LOOK_EVERY) {
            // A system that does not tell is taken to have enough.
            let free = [sys::available(location.dir()), sys::group_memory_left()].into_iter().flatten().min();
            self.free = free.unwrap_or(u64::MAX).saturating_add(held as u64);
            self.looked = Some(now);
        }
        let most = usize::try_from(self.free / MOST_OF_FREE).unwrap_or(usize::MAX);
        let is_long = *self.is_long.get_or_insert_with(|| !Lease::tells_of_access(location.dir()));
        let files = if is_long { HISTORY_FILES } else { 0 };
        file.saturating_mul(files).max(LEAST_BUDGET).min(most)
    }

    /// Whether it matters if a reader comes late.
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

/// When a file was last opened to be mapped or read, if that can be told.
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
    /// `history_bytes`: what replaced files may take, if that is fixed.
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

    /// Takes a name whose file this writer did not make; nothing is done to it until its time is
    /// over.
    pub(crate) fn add_name(&mut self, hex: Hex) {
        self.gone.push_back(Gone { hex, since: Instant::now(), is_own: false });
    }

    /// Gives back what is due. If there is a file among it that nobody has open, and that has the
    /// header of `value`, that is written to it, and it is renamed to `hex`.
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
                    // Somebody has it open. He keeps it; the memory goes when he lets go.
                    let _ = sys::remove_file(&location.payload(hex));
                }
            }
        }
        self.forget(location, now);
        reused
    }

    /// Gives back the memory of all replaced files, because there is none left.
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

    /// Whether a reader has opened the oldest file after it was replaced, or the tombstone since
    /// the last look.
    fn has_late_reader(&mut self, location: &Location, now: Instant) -> bool {
        let is_late = |old: &Replaced| old.payload.accessed().is_some_and(|accessed| accessed > old.at);
        let came_for_tombstone = |tombstone: &mut Tombstone| {
            // Its access time tells of all times since.
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

    /// Puts a tombstone in the place of a file; whether that went well. If not, the file stays
    /// until its name goes.
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
