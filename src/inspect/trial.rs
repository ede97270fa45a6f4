//! What this library asks of the operating system, tried out.

use crate::files::mapping::try_mapping;
use crate::sys::{self, Access, Lease, Sleepers, range_lock};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Something that is asked of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ability {
    /// A file can be made in the directory.
    Create,
    /// Memory can be set aside for it (`fallocate`). So full memory is an error and not a signal.
    Reserve,
    /// It can be mapped, and two mappings show the same bytes.
    Map,
    /// Locks of open files exclude each other (open-file-description locks). They show which
    /// processes live.
    Lock,
    /// A reader can sleep until a writer wakes it (futex).
    Wait,
    /// The kernel shows whether a process has a file open (leases). Only the format of Python's
    /// ndsharray uses it.
    Lease,
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "create files",
            Self::Reserve => "reserve memory",
            Self::Map => "map files",
            Self::Lock => "lock files",
            Self::Wait => "wait in the kernel",
            Self::Lease => "lease files",
        })
    }
}

/// How an attempt went.
#[derive(Debug)]
#[non_exhaustive]
pub struct Trial {
    /// What was tried.
    pub ability: Ability,
    /// The operating system's answer.
    pub outcome: io::Result<()>,
}

/// The bytes that are tried with.
const LEN: usize = 4096;

pub(super) fn all(dir: &Path) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut note = |ability, outcome: io::Result<()>| {
        let passed = outcome.is_ok();
        trials.push(Trial { ability, outcome });
        passed
    };
    // No name of a channel starts with a dot.
    let probe = Probe(dir.join(format!(".ndsh-trial-{}", Uuid::new_v4().simple())));
    let file = match sys::open_exclusive(&probe.0, 0o600) {
        Ok(file) => file,
        Err(error) => {
            note(Ability::Create, Err(error));
            return trials;
        }
    };
    note(Ability::Create, Ok(()));
    if note(Ability::Reserve, sys::reserve(&file, LEN as u64)) {
        note(Ability::Map, try_mapping(&file, LEN));
    }
    note(Ability::Lock, lock(&probe.0, &file));
    note(Ability::Wait, wait(&file));
    note(Ability::Lease, lease(&file));
    trials
}

/// Removes the file.
struct Probe(PathBuf);

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn lock(path: &Path, file: &File) -> io::Result<()> {
    let other = sys::open(path, Access::ReadWrite)?;
    let taken = range_lock::try_lock(file, &(0..1))?;
    let excluded = range_lock::is_locked(&other, &(0..1))? && !range_lock::try_lock(&other, &(0..1))?;
    range_lock::unlock(file, &(0..1))?;
    let released = range_lock::try_lock(&other, &(0..1))?;
    told(taken && excluded && released, "locks do not exclude each other")
}

fn wait(file: &File) -> io::Result<()> {
    let sleepers = Sleepers::of(&sys::identify(file)?);
    let word = AtomicU32::new(0);
    let start = Instant::now();
    // No wake comes, so the time must pass, but for a signal.
    for _ in 0..10 {
        sleepers.sleep(&word, 0, Duration::from_millis(2));
        if start.elapsed() >= Duration::from_millis(2) {
            return Ok(());
        }
    }
    told(false, "a wait returns at once")
}

fn lease(file: &File) -> io::Result<()> {
    told(Lease::try_take(file).is_some(), "the file system has no leases")
}

fn told(passed: bool, why: &'static str) -> io::Result<()> {
    if passed { Ok(()) } else { Err(io::Error::new(ErrorKind::Unsupported, why)) }
}
