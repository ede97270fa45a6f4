//! The protocol of the library's `compat::Overwrite::Never` under loom: tag, directory, files and
//! leases.
//!
//! What ships makes system calls, which loom cannot run; so this is a model of what `retired.rs`,
//! `payload.rs` and `tag.rs` of `src/compat` do, step by step and in their order, against a model
//! of the kernel: a directory and open counts behind locks, as in the kernel, and file contents
//! that are copied without any order, as by `memcpy`. Each step that the argument needs is left out
//! once, and then the model must fail.
//!
//! The reader is the package's: it loads the tag, opens the file of that name, and takes what it
//! finds if the stamps agree.

use crate::models::{self, Model};
use crate::sync::{AtomicU64, Mutex, Ordering, fence};
use loom::sync::Arc;
use loom::thread;

/// What the writer does wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flaw {
    None,
    /// Removes the name of a replaced file instead of putting a tombstone in its place.
    Unlink,
    /// Writes a replaced file again without asking whether a process has it open.
    NoLease,
    /// Asks, but does not keep others from opening the file while it writes.
    LeaseGivenBackAtOnce,
    /// Names the file before it is complete.
    TagFirst,
    /// Takes over and removes at once what the tag named before.
    ///
    /// As if that were a name yet to come.
    ForgetAtOnce,
}

impl models::Flaw for Flaw {
    const NONE: Self = Self::None;
}

/// How the twins end.
const STRANDED: &str = "nothing has the name that the tag held";
const STALE: &str = "older than what the name stands for";
const TORN: &str = "a value that is not whole was accepted";

/// A file: two stamps and an element.
///
/// They must be equal in a value that is whole.
struct File {
    words: [AtomicU64; 3],
    /// How many have it open, besides the writer. Held locked: a lease.
    readers: Mutex<u32>,
}

impl File {
    fn new() -> Self {
        Self { words: [AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)], readers: Mutex::new(0) }
    }

    fn write(&self, value: u64) {
        // Relaxed, in any order: memcpy.
        self.words.iter().for_each(|word| word.store(value, Ordering::Relaxed));
    }
}

/// What a name leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    Missing,
    Tombstone,
    File(usize),
}

const FILES: usize = 4;

/// Names are numbered as values are: value `n` is published under name `n`.
const VALUES: usize = 4;

struct Shared {
    tag: AtomicU64,
    directory: Mutex<[Entry; VALUES + 1]>,
    files: [File; FILES],
}

impl Shared {
    fn set(&self, name: usize, entry: Entry) {
        self.directory.lock().unwrap()[name] = entry;
    }
}

fn write_all(shared: &Shared, flaw: Flaw) {
    // Which file holds which value; value 1 is there already, in file 0.
    let mut current = 0;
    let mut replaced = None;
    let mut fresh = 1;
    for name in 2..=VALUES {
        let value = name as u64;
        let mut chosen = None;
        // `Retired::clear`, with a history of nothing: the oldest file is written again.
        if let Some((old_name, file)) = replaced.take() {
            let file: usize = file;
            shared.set(name, Entry::File(file));
            shared.set(old_name, if flaw == Flaw::Unlink { Entry::Missing } else { Entry::Tombstone });
            let of = &shared.files[file];
            let readers = of.readers.lock().unwrap();
            if *readers == 0 || flaw == Flaw::NoLease {
                if flaw == Flaw::LeaseGivenBackAtOnce || flaw == Flaw::NoLease {
                    drop(readers);
                    of.write(value);
                } else {
                    of.write(value);
                    drop(readers);
                }
                chosen = Some(file);
            }
        }
        if flaw == Flaw::TagFirst {
            shared.tag.store(value, Ordering::Relaxed);
        }
        let file = chosen.unwrap_or_else(|| {
            let file = fresh;
            fresh += 1;
            shared.set(name, Entry::File(file));
            shared.files[file].write(value);
            file
        });
        // `Tag::publish`.
        fence(Ordering::SeqCst);
        shared.tag.store(value, Ordering::Relaxed);
        replaced = Some((name - 1, current));
        current = file;
    }
}

fn read(shared: &Shared) {
    let name = usize::try_from(shared.tag.load(Ordering::Relaxed)).unwrap();
    // Control passes to the kernel only after the load.
    fence(Ordering::SeqCst);
    // The lookup, and then the opening: others may come in between.
    let entry = shared.directory.lock().unwrap()[name];
    let file = match entry {
        Entry::Missing => panic!("{STRANDED}"),
        Entry::Tombstone => return,
        Entry::File(file) => &shared.files[file],
    };
    *file.readers.lock().unwrap() += 1;
    let [first, element, last] = [0, 1, 2].map(|i: usize| file.words[i].load(Ordering::Relaxed));
    if first == last {
        assert_eq!(element, first, "{TORN}");
        assert!(first >= name as u64, "{STALE}");
    }
    *file.readers.lock().unwrap() -= 1;
}

/// A reader reads what there is while `write` goes on from the first value.
fn beside_a_reader(write: fn(&Shared, Flaw), flaw: Flaw) {
    let files = [File::new(), File::new(), File::new(), File::new()];
    files[0].write(1);
    let mut directory = [Entry::Missing; VALUES + 1];
    directory[1] = Entry::File(0);
    let shared = Arc::new(Shared { tag: AtomicU64::new(1), directory: Mutex::new(directory), files });
    let reader = thread::spawn({
        let shared = Arc::clone(&shared);
        move || read(&shared)
    });
    write(&shared, flaw);
    reader.join().unwrap();
}

#[test]
fn no_reader_is_stranded_or_sees_a_torn_value() {
    Model { name: "files written once", preemptions: 3, scenario: |flaw| beside_a_reader(write_all, flaw) }
        .holds()
        .rejects(Flaw::Unlink, &[STRANDED])
        .rejects(Flaw::NoLease, &[TORN])
        .rejects(Flaw::LeaseGivenBackAtOnce, &[TORN])
        .rejects(Flaw::TagFirst, &[STALE]);
}

/// A writer is killed with its next file half made; another goes on.
///
/// The other one goes on with the names, as `channel::inherit` does.
fn take_over(shared: &Shared, flaw: Flaw) {
    shared.files[1].write(2);
    shared.set(2, Entry::File(1));
    fence(Ordering::SeqCst);
    shared.tag.store(2, Ordering::Relaxed);
    shared.files[2].words[0].store(3, Ordering::Relaxed);
    shared.set(3, Entry::File(2));
    // Killed. The tag never had the name 3, and had 1 a moment ago.
    shared.set(3, Entry::Missing);
    if flaw == Flaw::ForgetAtOnce {
        shared.set(1, Entry::Missing);
    }
    shared.set(3, Entry::File(3));
    shared.files[3].write(3);
    fence(Ordering::SeqCst);
    shared.tag.store(3, Ordering::Relaxed);
}

#[test]
fn no_reader_is_stranded_by_a_takeover() {
    Model { name: "names taken over", preemptions: 3, scenario: |flaw| beside_a_reader(take_over, flaw) }
        .holds()
        .rejects(Flaw::ForgetAtOnce, &[STRANDED]);
}
