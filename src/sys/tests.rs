//! What every platform must do.

use super::pieces::{PIECE, in_pieces};
use super::*;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

#[test]
fn locks_exclude_between_two_handles_of_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let a = open_exclusive(&path, 0o600).unwrap();
    let b = open(&path, Access::ReadWrite).unwrap();
    let reading = open(&path, Access::Read).unwrap();
    assert!(!range_lock::is_locked(&reading, &(0..64)).unwrap());
    assert!(range_lock::try_lock(&a, &(0..64)).unwrap());
    assert!(!range_lock::try_lock(&b, &(0..64)).unwrap());
    assert!(range_lock::try_lock(&b, &(64..128)).unwrap());
    assert!(range_lock::is_locked(&b, &(0..64)).unwrap());
    assert!(range_lock::is_locked(&reading, &(0..64)).unwrap());
    drop(a);
    assert!(!range_lock::is_locked(&b, &(0..64)).unwrap());
    assert!(range_lock::try_lock(&b, &(0..64)).unwrap());
    range_lock::unlock(&b, &(0..64)).unwrap();
    assert!(!range_lock::is_locked(&reading, &(0..64)).unwrap());
}

#[test]
fn whoever_has_all_locks_keeps_others_from_each_and_the_other_way_round() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let a = LockedFile::new(open_exclusive(&path, 0o600).unwrap());
    let b = LockedFile::new(open(&path, Access::ReadWrite).unwrap());
    let reading = open(&path, Access::Read).unwrap();
    let all = 64..640;
    assert!(range_lock::try_lock(&a, &(0..64)).unwrap());
    assert!(range_lock::try_lock(&a, &(192..256)).unwrap());
    assert!(!range_lock::try_lock_all(&b, &all).unwrap(), "it is neither the first nor the last");
    assert!(range_lock::is_any_locked(&reading, &all).unwrap());
    assert!(range_lock::try_lock(&b, &(64..128)).unwrap(), "nothing is left of the attempt");
    range_lock::unlock(&b, &(64..128)).unwrap();
    range_lock::unlock(&a, &(192..256)).unwrap();
    assert!(!range_lock::is_any_locked(&reading, &all).unwrap(), "what does not belong to them is not in the way");
    assert!(range_lock::try_lock_all(&b, &all).unwrap());
    assert!(
        range_lock::is_any_locked(&reading, &all).unwrap() && range_lock::is_locked(&reading, &(128..192)).unwrap()
    );
    assert!(!range_lock::try_lock(&a, &(128..192)).unwrap());
    assert!(!range_lock::try_lock_all(&a, &all).unwrap());
    drop(b);
    assert!(range_lock::try_lock_all(&a, &all).unwrap());
    drop(a);
    assert!(!range_lock::is_any_locked(&reading, &all).unwrap());
}

/// As in the moment between another thread's fork and the child's `exec`.
#[cfg(unix)]
#[test]
fn locks_end_with_their_file_though_somebody_else_still_has_its_description() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let a = LockedFile::new(open_exclusive(&path, 0o600).unwrap());
    let b = open(&path, Access::ReadWrite).unwrap();
    assert!(range_lock::try_lock(&a, &(64..128)).unwrap());
    let childs = a.try_clone().unwrap();
    assert!(!range_lock::try_lock(&b, &(64..128)).unwrap());
    drop(a);
    assert!(range_lock::try_lock(&b, &(64..128)).unwrap());
    drop(childs);
    assert!(range_lock::is_locked(&open(&path, Access::ReadWrite).unwrap(), &(64..128)).unwrap());
}

#[test]
fn a_lock_keeps_nobody_from_reading_and_writing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let a = open_exclusive(&path, 0o600).unwrap();
    assert!(range_lock::try_lock(&a, &(0..8)).unwrap());
    let b = open(&path, Access::ReadWrite).unwrap();
    write_all_at(&b, b"12345678", 0).unwrap();
    let mut room = [0; 12];
    assert_eq!(read_front(&b, &mut room).unwrap(), 8);
    assert_eq!(&room[..8], b"12345678");
    assert_eq!(read_exact_at(&b, &mut room, 0).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    read_exact_at(&b, &mut room[..4], 4).unwrap();
    assert_eq!(&room[..4], b"5678");
}

#[test]
fn links_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (original, link) = (dir.path().join("original"), dir.path().join("link"));
    drop(open_exclusive(&original, 0o600).unwrap());
    match symlink(&original, &link) {
        // Windows lets only some users make links.
        Err(_) if cfg!(windows) => return,
        // Wine says that it has made one.
        Ok(()) if cfg!(windows) && link.symlink_metadata().is_err() => return,
        made => made.unwrap(),
    }
    let error = open(&link, Access::Read).unwrap_err();
    assert!(is_symlink_refusal(&error));
    assert_eq!(identify_path(&link).unwrap().kind, FileType::Symlink);
}

#[test]
fn sleep_ends_at_the_timeout_and_when_the_word_has_changed() {
    let dir = tempfile::tempdir().unwrap();
    let file = open_exclusive(&dir.path().join("f"), 0o600).unwrap();
    let sleepers = Sleepers::of(&identify(&file).unwrap());
    let word = AtomicU32::new(7);
    sleepers.sleep(&word, 8, Duration::from_secs(60));
    sleepers.sleep(&word, 7, Duration::from_millis(1));
}

#[test]
fn all_sleepers_are_woken_and_none_is_forgotten() {
    const SLEEPERS: u32 = 4;
    const ROUNDS: u32 = 200;
    let dir = tempfile::tempdir().unwrap();
    let file = open_exclusive(&dir.path().join("f"), 0o600).unwrap();
    let sleepers = Sleepers::of(&identify(&file).unwrap());
    let word = AtomicU32::new(0);
    let come = AtomicU32::new(0);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..SLEEPERS {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    come.fetch_add(1, Ordering::SeqCst);
                    while word.load(Ordering::SeqCst) <= round {
                        // A lost wake-up would be noticed: the time-out is longer than the test may
                        // take.
                        sleepers.sleep(&word, round, Duration::from_secs(600));
                    }
                }
            });
        }
        for round in 0..ROUNDS {
            while come.load(Ordering::SeqCst) < SLEEPERS * (round + 1) {
                std::thread::yield_now();
            }
            let replaced = word.fetch_add(1, Ordering::SeqCst);
            sleepers.wake_all(&word, replaced);
        }
    });
    assert!(began.elapsed() < Duration::from_secs(600));
}

#[test]
fn a_file_that_is_removed_frees_its_name_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let file = open_exclusive(&path, 0o600).unwrap();
    write_all_at(&file, b"old", 0).unwrap();
    // SAFETY: no process changes the file while it is mapped.
    let map = unsafe { memmap2::Mmap::map(&file) }.unwrap();
    assert_eq!(open_exclusive(&path, 0o600).unwrap_err().kind(), ErrorKind::AlreadyExists);
    remove_file(&path).unwrap();
    assert_eq!(remove_file(&path).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(identify_path(&path).unwrap_err().kind(), ErrorKind::NotFound);
    let new = open_exclusive(&path, 0o600).unwrap();
    let (old, new) = (identify(&file).unwrap(), identify(&new).unwrap());
    assert!(!same_file(&old, &new));
    assert!(same_file(&new, &identify_path(&path).unwrap()));
    assert_eq!(&map[..], b"old");
}

#[test]
fn reserved_bytes_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let file = open_exclusive(&dir.path().join("f"), 0o600).unwrap();
    reserve(&file, 10_000).unwrap();
    let identity = identify(&file).unwrap();
    assert_eq!((identity.len, identity.kind, identity.links), (10_000, FileType::File, 1));
    assert_eq!(identity.owner, effective_user());
    assert!(available(dir.path()).unwrap() > 0);
}

#[test]
fn the_clock_does_not_go_back() {
    let mut last = monotonic_ns();
    for _ in 0..1000 {
        let now = monotonic_ns();
        assert!(now >= last);
        last = now;
    }
    assert!(age_of(last) < Duration::from_secs(60));
}

#[test]
fn a_reservation_that_is_interrupted_goes_on_in_smaller_pieces() {
    // As older kernels do under an interval timer: what takes longer than its interval is undone.
    let quick = 1 << 20;
    for len in [0, 1, PIECE, PIECE + 1, 100 << 20, (100 << 20) + 5] {
        let (mut reserved, mut calls) = (0, 0);
        let outcome = in_pieces(len, |from, piece| {
            calls += 1;
            assert!(calls < 1000, "it does not end");
            if piece > quick {
                return Err(ErrorKind::Interrupted.into());
            }
            assert_eq!(from, reserved, "no gap");
            reserved += piece;
            Ok(())
        });
        assert!(outcome.is_ok());
        assert_eq!(reserved, len);
    }
    // One that nothing interrupts is one call.
    let mut calls = Vec::new();
    in_pieces(100 << 20, |from, piece| {
        calls.push((from, piece));
        Ok(())
    })
    .unwrap();
    assert_eq!(calls, [(0, 100 << 20)]);
    let full = in_pieces(100, |_, _| Err(ErrorKind::StorageFull.into()));
    assert_eq!(full.unwrap_err().kind(), ErrorKind::StorageFull);
}

/// Sleeps until `act` of another thread has ended it.
fn set_sleeps(prepare: impl Fn(&mut WaitSet) -> bool + Sync, is_over: impl Fn() -> bool + Sync, act: impl FnOnce()) {
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            let (mut set, begin) = (WaitSet::new(), Instant::now());
            while !is_over() {
                assert!(begin.elapsed() < Duration::from_secs(100));
                set.clear();
                if prepare(&mut set) {
                    set.sleep(Duration::from_secs(200));
                }
            }
        });
        // Most runs see it asleep.
        std::thread::sleep(Duration::from_millis(20));
        act();
        sleeper.join().unwrap();
    });
}

#[test]
fn any_word_of_a_set_ends_its_sleep() {
    let dir = tempfile::tempdir().unwrap();
    let file = open_exclusive(&dir.path().join("f"), 0o600).unwrap();
    let sleepers = Sleepers::of(&identify(&file).unwrap());
    let words: [AtomicU32; 3] = std::array::from_fn(|_| AtomicU32::new(7));
    let alarm = Alarm::new();
    let prepare = |set: &mut WaitSet| {
        words.iter().for_each(|word| set.add(sleepers, word, 7));
        set.add_alarm(&alarm);
        !alarm.is_ringing()
    };
    for word in &words {
        set_sleeps(
            prepare,
            || word.load(Ordering::Acquire) != 7,
            || {
                let replaced = word.fetch_add(1, Ordering::SeqCst);
                sleepers.wake_all(word, replaced);
            },
        );
        word.store(7, Ordering::SeqCst);
    }
    set_sleeps(prepare, || alarm.is_ringing(), || alarm.ring());
    assert!(alarm.silence() && !alarm.silence());
    set_sleeps(prepare, || alarm.is_ringing(), || alarm.ring());
}

#[test]
fn a_set_sleeps_no_longer_than_it_may() {
    let (alarm, begin) = (Alarm::new(), Instant::now());
    let mut set = WaitSet::new();
    while begin.elapsed() < Duration::from_millis(30) {
        set.clear();
        set.add_alarm(&alarm);
        set.sleep(Duration::from_millis(10));
    }
    assert!(begin.elapsed() < Duration::from_secs(100));
}

#[cfg(unix)]
#[test]
fn an_alarm_leaves_errno_alone() {
    use std::io::Error;
    // An error that `ring` does not make.
    assert!(std::fs::read("/").is_err());
    let before = Error::last_os_error().raw_os_error();
    Alarm::new().ring();
    assert_eq!(Error::last_os_error().raw_os_error(), before);
}
