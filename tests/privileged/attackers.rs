//! Users who may read a channel, and try to stop or slow its writer with that.

use crate::common::os::files;
use crate::common::{Child, NAME, Named, PATIENCE, listen, say, shape_of, value, wait_until};
use crate::users::{NOBODY, as_user, open_room};
use ndsharray::inspect::{Kind, Life};
use ndsharray::{ArrayOptions, Error, Options, SharedArray};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// Takes a shared lock on all bytes of `file`, which takes permission to read alone.
fn lock_shared(file: &File) -> bool {
    // SAFETY: flock is a C struct of integers, for which all zeroes is a value.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_RDLCK as libc::c_short;
    // SAFETY: the descriptor is open, and the struct outlives the call.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw mut lock) == 0 }
}

/// The files in `dir` that this user may read, by name.
fn readable(dir: &Path) -> Vec<(String, File)> {
    let open = |name: String| Some((name.clone(), File::open(dir.join(name)).ok()?));
    files(dir).into_iter().filter_map(open).collect()
}

/// Role: takes shared locks on all that it may read, and keeps them to the end. Whom an exclusive lock keeps out tries again.
pub(crate) fn lock_all(dir: &Path) {
    let found = readable(dir);
    let held: Vec<&str> = found.iter().filter(|(_, file)| lock_shared(file)).map(|(name, _)| name.as_str()).collect();
    say(format!("locked {}", held.join(" ")));
    while listen().is_some() {
        say(found.iter().filter(|(_, file)| lock_shared(file)).count());
    }
}

/// Role: what a user sees who may not read the reader table.
pub(crate) fn look(options: &Options) {
    let report = options.look(NAME, Kind::Channel).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert!(report.is_readable() && !report.readers_known && report.readers.is_empty());
    assert_eq!((report.writer.life, report.is_in_use()), (Life::Alive, Some(true)));
    assert_eq!(report.value.as_ref().unwrap().seq, Some(1));
    assert_eq!(options.list().unwrap().len(), 1);
}

#[test]
#[ignore = "needs root"]
fn a_user_without_the_table_sees_all_else() {
    let room = open_room();
    let mut writer = room.options().mode(0o644).create::<u64>(NAME).unwrap();
    writer.write(&shape_of(1), &value(1)).unwrap();
    let reader = room.options().open(NAME).unwrap();
    as_user(NOBODY, "look", &room).finish();
    let report = room.options().look(NAME, Kind::Channel).unwrap();
    assert!(report.readers_known && report.readers.len() == 1);
    drop((reader, writer));
}

/// Opening, reaping and the removal of what is unused go on under shared locks on all that another user may read.
#[test]
#[ignore = "needs root"]
fn shared_locks_of_another_user() {
    let room = open_room();
    let options = room.options().mode(0o644).max_slots(3);
    let mut writer = options.create::<u64>(NAME).unwrap();
    let mut put = |id: u64| writer.write(&shape_of(id), &value(id));
    put(1).unwrap();
    let mut attacker = as_user(NOBODY, "lock-all", &room);
    let locked = attacker.hear();
    assert!(locked.starts_with("locked channel") && !locked.contains("-readers"), "{locked}");

    let mut reader = room.options().open(NAME).unwrap();
    assert_eq!(reader.latest().unwrap().unwrap().name(), 1);
    let mut holders: Vec<Child> = Vec::new();
    for id in 2..4 {
        let mut holder = Child::start("hold", room.path(), |_| {});
        assert_eq!(holder.hear(), "open");
        assert_eq!(holder.ask("hold"), format!("holds {}", id - 1));
        holders.push(holder);
        put(id).unwrap();
    }
    assert!(matches!(put(4), Err(Error::AllSlotsPinned { slots: 3, .. })));
    holders.iter_mut().for_each(Child::kill);
    for id in 4..200 {
        put(id).unwrap();
        assert_eq!(reader.read().unwrap().unwrap().name(), id);
    }
    assert_eq!(attacker.ask("again"), (locked.split(' ').count() - 1).to_string());
    drop((reader, writer));
    assert_eq!(room.files(), [""; 0]);
}

/// Role: takes an array and keeps it.
pub(crate) fn hold_array(options: &Options) {
    let array: SharedArray<u64> = ArrayOptions::from(options).open(NAME).unwrap();
    let mut guard = array.write().unwrap();
    guard[0] += 1;
    say("holds");
    while listen().is_some() {}
}

/// A shared array whose holder dies is free again, whatever others may do who can only read.
#[test]
#[ignore = "needs root"]
fn an_array_for_readers_alone() {
    let room = open_room();
    let array: SharedArray<u64> = room.array_options().mode(0o644).create(NAME, &[4]).unwrap();
    let mut holder = Child::start("hold-array", room.path(), |_| {});
    assert_eq!(holder.hear(), "holds");
    let mut attacker = as_user(NOBODY, "lock-all", &room);
    assert_eq!(attacker.hear(), "locked", "nothing may be read");
    holder.kill();
    match array.write_timeout(PATIENCE) {
        Err(Error::Poisoned(_)) => {}
        other => panic!("{other:?}"),
    }
    array.clear_poison().unwrap();
    let another: SharedArray<u64> = room.array_options().open(NAME).unwrap();
    assert_eq!(another.read().unwrap()[0], 1);
    drop(another);
    room.options().remove_array(NAME).unwrap();
}

/// Role: a reader that waits until told of the value 2.
pub(crate) fn wait_for_two(options: &Options) {
    let mut reader = options.open(NAME).unwrap();
    assert_eq!(reader.read().unwrap().unwrap().name(), 1);
    say("open");
    let sample = reader.wait(PATIENCE).unwrap().unwrap();
    say(format!("woken by {}", sample.name()));
}

/// Role: moves all sleepers of every word that it can map to another word; tells how many there were.
pub(crate) fn requeue_all(dir: &Path) {
    let maps: Vec<(usize, usize)> = readable(dir)
        .iter()
        .map(|(_, file)| {
            let len = usize::try_from(file.metadata().unwrap().len()).unwrap();
            // SAFETY: a new mapping, at an address that the system chooses; nothing here refers to it.
            let start = unsafe {
                libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0)
            };
            assert_ne!(start, libc::MAP_FAILED);
            (start as usize, len)
        })
        .collect();
    assert!(maps.len() >= 2, "board and payload");
    let grave = std::sync::atomic::AtomicU32::new(0);
    say("mapped");
    while listen().is_some() {
        let mut moved = 0;
        for (start, len) in &maps {
            for at in (*start..start + len).step_by(4) {
                // SAFETY: FUTEX_REQUEUE uses both addresses as keys alone; one is in the mapping, one is a variable.
                let answer = unsafe {
                    libc::syscall(libc::SYS_futex, at, libc::FUTEX_REQUEUE, 0, i32::MAX, std::ptr::from_ref(&grave))
                };
                assert!(answer >= 0, "{}", std::io::Error::last_os_error());
                moved += answer;
            }
        }
        say(format!("moved {moved}"));
    }
}

/// Whether a thread of the process sleeps in the kernel's wait on a word.
fn sleeps_on_a_word(process: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    tasks.flatten().any(|task| {
        let call = std::fs::read_to_string(task.path().join("syscall")).unwrap_or_default();
        let mut words = call.split_whitespace();
        // Only the waits with a time-out: threads of the test harness wait for each other without.
        words.next() == Some(&libc::SYS_futex.to_string()) && words.nth(3).is_some_and(|timeout| timeout != "0x0")
    })
}

/// Sleepers cannot be found by who may not write the reader table: the words that they sleep on lie there alone.
#[test]
#[ignore = "needs root"]
fn sleepers_are_out_of_another_user_s_reach() {
    let room = open_room();
    let mut writer = room.options().mode(0o644).create::<u64>(NAME).unwrap();
    writer.write(&shape_of(1), &value(1)).unwrap();
    let mut reader = Child::start("wait-for-two", room.path(), |_| {});
    assert_eq!(reader.hear(), "open");
    let mut attacker = as_user(NOBODY, "requeue-all", &room);
    assert_eq!(attacker.hear(), "mapped");
    for _ in 0..20 {
        wait_until("the reader sleeps", || sleeps_on_a_word(reader.id()));
        assert_eq!(attacker.ask("again"), "moved 0");
    }
    wait_until("the reader sleeps", || sleeps_on_a_word(reader.id()));
    writer.write(&shape_of(2), &value(2)).unwrap();
    assert_eq!(reader.hear(), "woken by 2");
    reader.finish();
    let begin = Instant::now();
    drop(writer);
    assert!(begin.elapsed() < Duration::from_secs(10));
}
