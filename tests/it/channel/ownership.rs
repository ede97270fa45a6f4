//! Which process may write, which may read, and what is left when they go.

use crate::channel::support::{KEPT, NAME, TestDir, latest_vec, wait_until};
use crate::common::Peer;
use crate::peer::channel;
use ndsharray::{Error, Reader};
use std::fs;

#[test]
fn a_second_writer_is_refused_in_this_process() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let error = dir.options().create::<u8>(NAME).unwrap_err();
    let Error::WriterExists { name, pid, .. } = error else { panic!("{error}") };
    assert_eq!((name.as_str(), pid), (NAME, Some(std::process::id())));
    writer.write(&[1], &[1]).unwrap();
    let mut reader = dir.reader();
    assert!(matches!(dir.options().create_any(NAME), Err(Error::WriterExists { .. })));
    assert_eq!(latest_vec::<u8>(&mut reader), [1]);
    assert_eq!(writer.write(&[1], &[2]).unwrap(), 2);
    drop(writer);
    dir.writer::<u8>();
}

#[test]
fn a_second_writer_in_the_same_process_is_told_so() {
    let dir = TestDir::new();
    let _writer = dir.writer::<u8>();
    let error = dir.options().create::<u8>(NAME).unwrap_err();
    let expected = format!("in this very process ({})", std::process::id());
    assert!(error.to_string().contains(&expected), "{error}");
}

#[test]
fn a_second_writer_is_refused_in_another_process() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 4 false"), "ok");
    let error = dir.options().create::<u8>(NAME).unwrap_err();
    let Error::WriterExists { pid, .. } = &error else { panic!("{error}") };
    assert_eq!(*pid, Some(peer.id()));
    assert!(error.to_string().contains(&peer.id().to_string()), "{error}");

    let mut other = channel::start(&dir);
    let answer = other.ask("create 4 4 false");
    assert!(answer.contains("has a writer already"), "{answer}");
    assert_eq!(peer.ask("write uint8 [3] 1"), "1");
}

#[test]
fn of_many_who_want_to_write_one_succeeds() {
    let dir = TestDir::new();
    let barrier = std::sync::Barrier::new(8);
    for _ in 0..20 {
        let writers: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        dir.options().create::<u8>(NAME)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let refused = writers.iter().filter(|writer| matches!(writer, Err(Error::WriterExists { .. }))).count();
        assert_eq!(refused, 7, "{writers:?}");
        assert_eq!(writers.iter().filter(|writer| writer.is_ok()).count(), 1);
    }
    assert_eq!(dir.files(), [""; 0]);
}

#[test]
fn a_clean_close_leaves_no_file() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u64>();
    let mut reader = dir.reader();
    let held: Vec<_> = (0..5)
        .map(|n| {
            writer.write(&[30_000], &vec![n; 30_000]).unwrap();
            reader.read_owned().unwrap().unwrap()
        })
        .collect();
    assert!(dir.files().len() > 5);
    drop(writer);
    assert_eq!(dir.files(), [""; 0]);
    assert!(held.iter().zip(0..).all(|(sample, n)| sample.view::<u64>().unwrap().iter().all(|&m| m == n)));
    assert!(matches!(dir.options().open(NAME), Err(Error::NotFound { path, .. }) if path == dir.board()));
    assert_eq!(latest_vec::<u64>(&mut reader), vec![4; 30_000], "what was mapped stays readable");
}

#[test]
fn a_kept_value_waits_for_readers_and_for_the_next_writer() {
    let dir = TestDir::new();
    dir.keep_value();
    assert_eq!(dir.payloads().len(), 1, "of the payloads only the current one is kept");
    dir.assert_kept();
    let mut reader = dir.reader();
    assert!(!reader.is_writer_alive());
    assert_eq!(reader.latest().unwrap().unwrap().seq(), 1);
    let mut writer = dir.options().create::<i32>(NAME).unwrap();
    assert_eq!(writer.payload_name(), dir.payloads().first().cloned(), "taken over with its value");
    dir.assert_kept();
    assert_eq!(writer.write(&[1], &[5]).unwrap(), 2);
    assert_eq!(latest_vec::<i32>(&mut reader), [5]);
    assert_eq!(reader.writer_epoch(), 2);
    drop(writer);
    assert_eq!(dir.files(), [""; 0], "the next writer did not ask to keep it");
}

#[test]
fn keeping_does_not_keep_what_nobody_needs() {
    let dir = TestDir::new();
    let mut writer = dir.options().persist(true).create::<u8>(NAME).unwrap();
    for n in 0..20 {
        writer.write(&[100], &[n; 100]).unwrap();
    }
    drop(writer);
    assert_eq!(dir.payloads().len(), 1);
    assert_eq!(latest_vec::<u8>(&mut dir.reader()), [19; 100]);

    let writer = dir.options().persist(true).create::<u8>(NAME).unwrap();
    drop(writer);
    assert_eq!(latest_vec::<u8>(&mut dir.reader()), [19; 100], "kept again without a write");
    assert_eq!(dir.payloads().len(), 1);
}

#[test]
fn nothing_written_is_nothing_to_keep() {
    let dir = TestDir::new();
    drop(dir.options().persist(true).create::<u8>(NAME).unwrap());
    assert_eq!(dir.files(), [""; 0]);
}

#[test]
fn removing_takes_what_nobody_writes() {
    let dir = TestDir::new();
    let options = dir.options();
    assert!(matches!(options.remove(NAME), Err(Error::NotFound { path, .. }) if path == dir.board()));
    let writer = dir.writer::<u8>();
    assert!(matches!(options.remove(NAME), Err(Error::WriterExists { .. })));
    assert_eq!(dir.files().len(), 2);
    drop(writer);

    dir.keep_value();
    let mut reader = dir.reader();
    let sample = reader.latest().unwrap().unwrap();
    options.remove(NAME).unwrap();
    assert_eq!(dir.files(), [""; 0]);
    assert_eq!(sample.view::<i32>().unwrap().as_slice(), KEPT);
}

#[test]
fn removing_leaves_other_channels_alone() {
    let dir = TestDir::new();
    dir.keep_value();
    let longer = format!("{NAME}2");
    dir.options().persist(true).create::<u8>(&longer).unwrap().write(&[1], &[7]).unwrap();
    let own = format!("{NAME}.ndsh-notes");
    fs::write(dir.path().join(&own), "somebody's").unwrap();
    dir.options().remove(NAME).unwrap();
    let files = dir.files();
    assert!(files.contains(&own) && files.iter().all(|name| name == &own || name.starts_with(&longer)), "{files:?}");
    assert_eq!(latest_vec::<u8>(&mut dir.options().open(&longer).unwrap()), [7]);
}

#[test]
fn a_reader_follows_the_name_to_a_new_channel() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    for n in 1..=10 {
        writer.write(&[1], &[n]).unwrap();
        reader.read().unwrap().unwrap();
    }
    drop(writer);
    assert!(reader.read().unwrap().is_none());
    assert_eq!(latest_vec::<u8>(&mut reader), [10]);
    assert!(!reader.is_writer_alive());

    let mut writer = dir.options().max_slots(5).create::<f64>(NAME).unwrap();
    for n in 0..3 {
        writer.write(&[2], &[0.5, f64::from(n)]).unwrap();
    }
    let sample = reader.read().unwrap().expect("news from the new channel");
    assert_eq!((sample.seq(), sample.missed()), (3, 2));
    assert_eq!(sample.view::<f64>().unwrap().as_slice(), [0.5, 2.0]);
    drop(sample);
    assert!(reader.is_writer_alive());
    assert_eq!(reader.writer_epoch(), 1);
}

/// The new channel has already changed hands when the reader comes back to it.
#[test]
fn missed_counts_from_the_start_of_a_new_channel_that_was_taken_over() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    for n in 1..=3 {
        writer.write(&[1], &[n]).unwrap();
        reader.read().unwrap().unwrap();
    }
    drop(writer);
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 4 false"), "ok");
    assert_eq!(peer.ask("write uint8 [1] 1"), "1");
    peer.kill();
    let mut writer = dir.writer::<u8>();
    for n in 2..=5 {
        assert_eq!(writer.write(&[1], &[n]).unwrap(), u64::from(n));
    }
    let sample = reader.read().unwrap().expect("news");
    assert_eq!((sample.seq(), sample.missed()), (5, 4));
}

#[test]
fn readers_are_counted_and_their_places_used_again() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut readers: Vec<Reader> = (0..64).map(|_| dir.reader()).collect();
    let error = dir.options().open(NAME).unwrap_err();
    assert!(matches!(error, Error::TooManyReaders { max: 64, .. }), "{error}");
    writer.write(&[1], &[9]).unwrap();
    assert!(readers.iter_mut().all(|reader| latest_vec::<u8>(reader) == [9]));
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    assert_eq!(copies.latest_owned().unwrap().unwrap().as_bytes(), [9], "copying takes no place");
    readers.remove(17);
    readers.push(dir.reader());
    assert!(matches!(dir.options().open(NAME), Err(Error::TooManyReaders { max: 64, .. })));

    // A place is taken for as long as an owned sample is about.
    let owned = readers[3].latest_owned().unwrap().unwrap();
    readers.remove(3);
    assert!(matches!(dir.options().open(NAME), Err(Error::TooManyReaders { max: 64, .. })));
    drop(owned);
    dir.reader();
}

#[test]
fn the_places_of_killed_readers_are_used_again() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_readers(2).create::<u8>(NAME).unwrap();
    writer.write(&[1], &[1]).unwrap();
    let _one = dir.reader();
    for _ in 0..3 {
        let mut peer = channel::start(&dir);
        assert_eq!(peer.ask("open"), "ok");
        assert!(peer.ask("hold").starts_with("1 "));
        assert!(matches!(dir.options().open(NAME), Err(Error::TooManyReaders { max: 2, .. })));
        peer.kill();
    }
    assert_eq!(latest_vec::<u8>(&mut dir.reader()), [1]);
}

#[test]
fn the_pins_of_killed_readers_are_given_back() {
    for (slots, hold) in [(2, "hold"), (2, "hold-borrowed"), (3, "hold"), (3, "hold-borrowed")] {
        let dir = TestDir::new();
        let mut writer = dir.options().max_slots(slots).create::<u8>(NAME).unwrap();
        let mut peers: Vec<Peer> = Vec::new();
        for n in 1..slots as u8 {
            writer.write(&[4], &[n; 4]).unwrap();
            let mut peer = channel::start(&dir);
            assert_eq!(peer.ask("open"), "ok");
            assert!(peer.ask(hold).starts_with(&n.to_string()));
            peers.push(peer);
        }
        writer.write(&[4], &[100; 4]).unwrap();
        let error = writer.write(&[4], &[101; 4]).unwrap_err();
        assert!(matches!(error, Error::AllSlotsPinned { slots: told, .. } if told == slots), "{error}");
        assert_eq!(latest_vec::<u8>(&mut dir.reader()), [100; 4]);
        peers.iter_mut().for_each(Peer::kill);
        for n in 0..50 {
            writer.write(&[4], &[n; 4]).unwrap();
        }
    }
}

#[test]
fn a_living_writer_is_told_from_a_dead_one() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 4 false"), "ok");
    let reader = dir.reader();
    let copies = dir.options().open_read_only(NAME).unwrap();
    assert!(reader.is_writer_alive() && copies.is_writer_alive());
    peer.kill();
    assert!(!reader.is_writer_alive() && !copies.is_writer_alive());
    let writer = dir.writer::<u8>();
    assert!(reader.is_writer_alive() && copies.is_writer_alive());
    drop(writer);
    wait_until("the closed channel has no writer", || !reader.is_writer_alive() && !copies.is_writer_alive());
}

/// A process that does not move for a long time is not dead.
#[cfg(target_os = "linux")]
#[test]
fn stopped_processes_keep_what_they_have() {
    let dir = TestDir::new();
    let mut writer = channel::start(&dir);
    assert_eq!(writer.ask("create 4 4 false"), "ok");
    assert_eq!(writer.ask("write uint8 [1] 1"), "1");
    let reader = dir.reader();
    writer.stop();
    assert!(matches!(dir.options().create::<u8>(NAME), Err(Error::WriterExists { .. })));
    assert!(matches!(dir.options().remove(NAME), Err(Error::WriterExists { .. })));
    assert!(reader.is_writer_alive());
    drop(reader);
    writer.kill();

    let mut writer = dir.options().max_slots(2).create::<u8>(NAME).unwrap();
    let mut holder = channel::start(&dir);
    assert_eq!(holder.ask("open"), "ok");
    assert!(holder.ask("hold").starts_with("1 "));
    holder.stop();
    writer.write(&[1], &[2]).unwrap();
    for _ in 0..50 {
        assert!(matches!(writer.write(&[1], &[3]), Err(Error::AllSlotsPinned { .. })));
    }
    holder.kill();
    writer.write(&[1], &[3]).unwrap();
}

#[cfg(unix)]
#[test]
fn a_forked_child_has_no_part_in_its_parent_s_handles() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 2 2 false"), "ok");
    assert_eq!(peer.ask("open"), "ok");
    assert_eq!(peer.ask("write uint8 [1] 1"), "1");
    let held = peer.ask("hold");
    assert_eq!(peer.ask("write uint8 [1] 2"), "2");
    assert_eq!(peer.ask("fork"), "refused");
    assert_eq!(dir.files().len(), 4, "the channel is still there");
    assert!(matches!(dir.options().create::<u8>(NAME), Err(Error::WriterExists { .. })));
    let answer = peer.ask("write uint8 [1] 3");
    assert!(answer.contains("readers hold all 2 slots"), "what the parent holds is still held: {answer}");
    assert_eq!(peer.ask("recheck"), held);
    assert_eq!(peer.ask("release"), "ok");
    assert_eq!(peer.ask("write uint8 [1] 3"), "3");
    assert!(peer.ask("read").starts_with("3 1 "));
}
