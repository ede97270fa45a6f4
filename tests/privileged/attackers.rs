//! Users that may read a channel, and attack its writer with that.

use crate::common::{NAME, Named, Peer, TIMEOUT, shape_of, value, wait_until};
use crate::users::{NOBODY, as_user, open_dir};
use ndsharray::inspect::Kind;
use ndsharray::{Error, SharedArray};
use std::time::Instant;

#[test]
#[ignore = "needs root"]
fn a_user_without_the_table_sees_all_else() {
    let dir = open_dir();
    let mut writer = dir.options().mode(0o644).create::<u64>(NAME).unwrap();
    writer.write(&shape_of(1), &value(1)).unwrap();
    let reader = dir.options().open(NAME).unwrap();
    as_user(NOBODY, "look", &dir).finish();
    let report = dir.options().look(NAME, Kind::Channel).unwrap();
    assert!(report.readers_known && report.readers.len() == 1);
    drop((reader, writer));
}

/// Opening, reaping and removal go on under the shared locks of another user.
///
/// That user locks all that it may read.
#[test]
#[ignore = "needs root"]
fn shared_locks_of_another_user() {
    let dir = open_dir();
    let options = dir.options().mode(0o644).max_slots(3);
    let mut writer = options.create::<u64>(NAME).unwrap();
    let mut put = |id: u64| writer.write(&shape_of(id), &value(id));
    put(1).unwrap();
    let mut attacker = as_user(NOBODY, "lock-all", &dir);
    let locked = attacker.hear();
    assert!(locked.starts_with("locked channel") && !locked.contains("-readers"), "{locked}");

    let mut reader = dir.options().open(NAME).unwrap();
    assert_eq!(reader.latest().unwrap().unwrap().name(), 1);
    let mut holders: Vec<Peer> = Vec::new();
    for id in 2..4 {
        let mut holder = Peer::start("hold", dir.path(), |_| {});
        assert_eq!(holder.hear(), "open");
        assert_eq!(holder.ask("hold"), format!("holds {}", id - 1));
        holders.push(holder);
        put(id).unwrap();
    }
    assert!(matches!(put(4), Err(Error::AllSlotsPinned { slots: 3, .. })));
    holders.iter_mut().for_each(Peer::kill);
    for id in 4..200 {
        put(id).unwrap();
        assert_eq!(reader.read().unwrap().unwrap().name(), id);
    }
    assert_eq!(attacker.ask("again"), (locked.split(' ').count() - 1).to_string());
    drop((reader, writer));
    assert_eq!(dir.files(), [""; 0]);
}

/// A shared array whose holder dies is free again, whatever users without write permission do.
#[test]
#[ignore = "needs root"]
fn an_array_for_readers_alone() {
    let dir = open_dir();
    let array: SharedArray<u64> = dir.array_options().mode(0o644).create(NAME, &[4]).unwrap();
    let mut holder = Peer::start("hold-array", dir.path(), |_| {});
    assert_eq!(holder.hear(), "holds");
    let mut attacker = as_user(NOBODY, "lock-all", &dir);
    assert_eq!(attacker.hear(), "locked", "nothing may be read");
    holder.kill();
    match array.write_timeout(TIMEOUT) {
        Err(Error::Poisoned(_)) => {}
        other => panic!("{other:?}"),
    }
    array.clear_poison().unwrap();
    let another: SharedArray<u64> = dir.array_options().open(NAME).unwrap();
    assert_eq!(another.read().unwrap()[0], 1);
    drop(another);
    dir.options().remove_array(NAME).unwrap();
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

/// A user without write permission for the reader table cannot find its sleepers.
///
/// The words that they sleep on lie there alone.
#[test]
#[ignore = "needs root"]
fn sleepers_are_out_of_another_user_s_reach() {
    let dir = open_dir();
    let mut writer = dir.options().mode(0o644).create::<u64>(NAME).unwrap();
    writer.write(&shape_of(1), &value(1)).unwrap();
    let mut reader = Peer::start("wait-for-two", dir.path(), |_| {});
    assert_eq!(reader.hear(), "open");
    let mut attacker = as_user(NOBODY, "requeue-all", &dir);
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
    assert!(begin.elapsed() < TIMEOUT);
}
