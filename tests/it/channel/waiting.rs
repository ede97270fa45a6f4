//! Waiting for a value and for a channel.

use crate::channel::support::{NAME, TIMEOUT, TestDir, assert_few_wakes_are_lost, latest_vec};
use crate::peer::channel;
use ndsharray::{Error, Reader, Writer};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Waits in a thread, and calls `act` as soon as that thread sleeps.
#[cfg(target_os = "linux")]
pub(crate) fn when_asleep<T: Send>(wait: impl FnOnce() -> T + Send, act: impl FnOnce()) -> T {
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let thread = scope.spawn(move || {
            sender.send(std::fs::read_link("/proc/thread-self").unwrap()).unwrap();
            wait()
        });
        let stat = std::path::Path::new("/proc").join(receiver.recv().unwrap()).join("stat");
        crate::channel::support::wait_until("the waiting thread sleeps", || {
            let stat = std::fs::read_to_string(&stat).unwrap();
            stat.rsplit_once(") ").unwrap().1.starts_with('S')
        });
        act();
        thread.join().unwrap()
    })
}

/// Waits in a thread, and calls `act` when that thread has had time to fall asleep.
///
/// Here the system does not tell: most runs see it asleep, and all see what must hold.
#[cfg(not(target_os = "linux"))]
pub(crate) fn when_asleep<T: Send>(wait: impl FnOnce() -> T + Send, act: impl FnOnce()) -> T {
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let thread = scope.spawn(move || {
            sender.send(()).unwrap();
            wait()
        });
        receiver.recv().unwrap();
        std::thread::sleep(Duration::from_millis(30));
        act();
        thread.join().unwrap()
    })
}

fn wait_u8(reader: &mut Reader) -> Option<u8> {
    reader.wait(TIMEOUT).unwrap().map(|sample| sample.view::<u8>().unwrap()[[]])
}

fn publish(writer: &mut Writer<u8>, value: u8) {
    writer.write(&[], &[value]).unwrap();
}

#[test]
fn a_time_out_takes_its_time_and_finds_nothing() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    writer.write(&[], &[1]).unwrap();
    reader.read().unwrap().unwrap();
    copies.read_owned().unwrap().unwrap();
    let mut out = vec![7_u8];
    for millis in [0, 1, 30, 150] {
        let timeout = Duration::from_millis(millis);
        let took = |what: &str, wait: &mut dyn FnMut() -> bool| {
            let start = Instant::now();
            assert!(wait(), "{what} found something");
            let time = start.elapsed();
            assert!(time >= timeout && time < timeout + TIMEOUT, "{what}: {time:?} for {timeout:?}");
        };
        took("wait", &mut || reader.wait(timeout).unwrap().is_none());
        took("wait_owned", &mut || reader.wait_owned(timeout).unwrap().is_none());
        took("wait_into", &mut || reader.wait_into(&mut out, timeout).unwrap().is_none());
        took("a copying reader's wait", &mut || copies.wait_owned(timeout).unwrap().is_none());
    }
    assert_eq!(out, [7]);
}

#[test]
fn news_that_is_there_is_not_waited_for() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    writer.write(&[], &[1]).unwrap();
    assert_eq!(reader.wait(Duration::ZERO).unwrap().unwrap().seq(), 1);
    writer.write(&[], &[2]).unwrap();
    assert_eq!(reader.wait_owned(Duration::ZERO).unwrap().unwrap().seq(), 2);
    writer.write(&[], &[3]).unwrap();
    let mut out = Vec::<u8>::new();
    assert_eq!(reader.wait_into(&mut out, Duration::ZERO).unwrap().unwrap().seq, 3);
    assert_eq!(out, [3]);
    writer.write(&[], &[4]).unwrap();
    assert_eq!(reader.wait(Duration::MAX).unwrap().unwrap().seq(), 4);
}

#[test]
fn a_publication_wakes() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    let value = when_asleep(|| wait_u8(&mut reader), || publish(&mut writer, 5));
    assert_eq!(value, Some(5));
    let value = when_asleep(
        || reader.wait_owned(TIMEOUT).unwrap().unwrap().as_bytes().to_vec(),
        || {
            let mut loan = writer.loan(&[]).unwrap();
            loan.as_mut_slice().fill(6);
            loan.publish().unwrap();
        },
    );
    assert_eq!(value, [6]);
    let mut out = Vec::<u8>::new();
    let info = when_asleep(|| reader.wait_into(&mut out, TIMEOUT).unwrap(), || publish(&mut writer, 7));
    assert_eq!((info.unwrap().seq, out.as_slice()), (3, [7].as_slice()));
    copies.read_owned().unwrap().unwrap();
    let value = when_asleep(|| copies.wait_owned(TIMEOUT).unwrap().unwrap(), || publish(&mut writer, 8));
    assert_eq!(value.as_bytes(), [8]);
}

#[test]
fn no_wake_up_is_lost() {
    let dir = TestDir::new();
    let options = dir.options();
    let mut here = options.create::<u32>("here").unwrap();
    let mut there = options.create::<u32>("there").unwrap();
    let (mut from_here, mut from_there) = (options.open("here").unwrap(), options.open("there").unwrap());
    let heard = |reader: &mut Reader| Some(reader.wait(TIMEOUT).ok()?.expect("an answer").view::<u32>().unwrap()[[]]);
    std::thread::scope(|scope| {
        // Until the close.
        scope.spawn(move || {
            while let Some(number) = heard(&mut from_here) {
                there.write(&[], &[number + 1]).unwrap();
            }
        });
        assert_few_wakes_are_lost(|number| {
            here.write(&[], &[number]).unwrap();
            assert_eq!(heard(&mut from_there), Some(number + 1));
        });
        drop(here);
    });
}

/// Two pairs of ends answer each other, so each wait is short.
///
/// The next wait looks before it sleeps. A long limit lets nearly every wait end that way, a limit
/// of zero none.
#[test]
fn a_reader_that_looks_before_it_sleeps_misses_nothing() {
    for limit in [Duration::ZERO, Duration::from_micros(50), Duration::from_secs(1)] {
        let dir = TestDir::new();
        let there = dir.options().spin(limit);
        let mut ask = there.create::<u8>("ask").unwrap();
        let mut answer = there.create::<u8>("answer").unwrap();
        let mut asked = there.open("ask").unwrap();
        let mut answered = there.open("answer").unwrap();
        std::thread::scope(|scope| {
            let echo = scope.spawn(move || {
                let end = loop {
                    match asked.wait(TIMEOUT) {
                        Ok(Some(sample)) => {
                            let value = sample.view::<u8>().unwrap()[[]];
                            drop(sample);
                            publish(&mut answer, value);
                        }
                        other => break other.map(|sample| sample.is_some()),
                    }
                };
                // Closed, as a look does not end it.
                assert!(matches!(end, Err(Error::Closed { .. })));
            });
            for value in 0..=250 {
                publish(&mut ask, value);
                assert_eq!(wait_u8(&mut answered), Some(value), "{limit:?}");
            }
            // Nothing comes: the time-out holds whatever the last waits were like.
            let begin = Instant::now();
            assert!(answered.wait(Duration::from_millis(2)).unwrap().is_none());
            assert!(begin.elapsed() >= Duration::from_millis(2));
            drop(ask);
            echo.join().unwrap();
        });
    }
}

#[test]
fn sixty_four_sleepers_are_woken() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut readers: Vec<Reader> = (0..64).map(|_| dir.reader()).collect();
    for round in 1..=3 {
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            let threads: Vec<_> = readers
                .iter_mut()
                .map(|reader| {
                    let sender = sender.clone();
                    scope.spawn(move || {
                        sender.send(()).unwrap();
                        wait_u8(reader)
                    })
                })
                .collect();
            for _ in 0..64 {
                receiver.recv().unwrap();
            }
            writer.write(&[], &[round]).unwrap();
            assert!(threads.into_iter().all(|thread| thread.join().unwrap() == Some(round)));
        });
    }
}

#[test]
fn a_close_is_told_at_once_and_once() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    let mut copies = dir.options().open_read_only(NAME).unwrap();
    writer.write(&[], &[1]).unwrap();
    reader.read().unwrap().unwrap();
    copies.read_owned().unwrap().unwrap();
    let answer = when_asleep(|| reader.wait(TIMEOUT).map(|sample| sample.is_some()), || drop(writer));
    assert!(matches!(&answer, Err(Error::Closed { name, .. }) if name == NAME), "{answer:?}");
    assert!(matches!(copies.wait_owned(TIMEOUT), Err(Error::Closed { .. })));
    const A_WHILE: Duration = Duration::from_millis(30);
    for _ in 0..3 {
        let start = Instant::now();
        assert!(reader.wait(A_WHILE).unwrap().is_none());
        assert!(reader.wait_owned(A_WHILE).unwrap().is_none());
        assert!(reader.wait_into(&mut Vec::<u8>::new(), A_WHILE).unwrap().is_none());
        assert!(copies.wait_owned(A_WHILE).unwrap().is_none());
        assert!(start.elapsed() >= 4 * A_WHILE, "each of them sleeps");
        assert!(reader.wait(Duration::ZERO).unwrap().is_none());
        assert_eq!(latest_vec::<u8>(&mut reader), [1]);
        assert!(reader.is_closed() && copies.is_closed());
    }
    // The next one is another close.
    let mut writer = dir.writer::<u8>();
    writer.write(&[], &[2]).unwrap();
    assert_eq!(wait_u8(&mut reader), Some(2));
    assert!(!reader.is_closed());
    drop(writer);
    assert!(matches!(reader.wait(TIMEOUT), Err(Error::Closed { .. })));
}

#[test]
fn what_was_published_before_the_close_is_read_first() {
    let dir = TestDir::new();
    let mut writer = dir.options().persist(true).create::<u8>(NAME).unwrap();
    let mut reader = dir.reader();
    writer.write(&[], &[1]).unwrap();
    drop(writer);
    assert_eq!(wait_u8(&mut reader), Some(1));
    assert!(matches!(reader.wait(TIMEOUT), Err(Error::Closed { .. })));
}

#[test]
fn a_new_writer_is_waited_for_after_a_kill() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 4 false"), "ok");
    assert_eq!(peer.ask("write uint8 [] 1"), "1");
    let mut reader = dir.reader();
    reader.read().unwrap().unwrap();
    let value = when_asleep(
        || wait_u8(&mut reader),
        || {
            peer.kill();
            std::thread::sleep(Duration::from_millis(150));
            dir.writer::<u8>().write(&[], &[77]).unwrap();
        },
    );
    // The new writer has closed the channel since; its value stands.
    assert_eq!(value, Some(77));
    assert_eq!(reader.writer_epoch(), 2);
}

#[test]
fn a_wait_goes_on_in_a_channel_made_anew() {
    let dir = TestDir::new();
    let mut reader = {
        let mut writer = dir.writer::<u8>();
        writer.write(&[], &[1]).unwrap();
        let mut reader = dir.reader();
        reader.read().unwrap().unwrap();
        reader
    };
    assert!(matches!(reader.wait(TIMEOUT), Err(Error::Closed { .. })));
    let mut writer = dir.writer::<u8>();
    assert!(reader.wait(Duration::from_millis(5)).unwrap().is_none(), "there is a writer, but no value");
    let value = when_asleep(|| wait_u8(&mut reader), || publish(&mut writer, 2));
    assert_eq!(value, Some(2));
}

/// A sleeping reader follows to the channel that a new writer creates.
///
/// The files of its killed predecessor were removed meanwhile.
#[test]
fn a_sleeper_follows_the_name() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 4 false"), "ok");
    assert_eq!(peer.ask("write uint8 [] 1"), "1");
    peer.kill();
    let mut reader = dir.reader();
    reader.read().unwrap().unwrap();
    let mut writer = None;
    let value = when_asleep(
        || wait_u8(&mut reader),
        || {
            for name in dir.files() {
                crate::common::os::clear(&dir.path().join(name));
            }
            let mut new = dir.writer::<u8>();
            new.write(&[], &[3]).unwrap();
            writer = Some(new);
        },
    );
    assert_eq!(value, Some(3));
}

#[test]
fn opening_waits_for_the_writer() {
    let dir = TestDir::new();
    let start = Instant::now();
    let error = dir.options().open_timeout(NAME, Duration::from_millis(60)).unwrap_err();
    assert!(matches!(&error, Error::NotFound { path, .. } if path == &dir.board()), "{error}");
    assert!(start.elapsed() >= Duration::from_millis(60));
    assert!(dir.options().open_timeout(NAME, Duration::ZERO).is_err());
    let mut writer = None;
    let mut reader =
        when_asleep(|| dir.options().open_timeout(NAME, TIMEOUT).unwrap(), || writer = Some(dir.writer::<u8>()));
    writer.unwrap().write(&[], &[1]).unwrap();
    drop(reader.read());
    assert!(dir.options().open_timeout(NAME, Duration::ZERO).is_err(), "closed again");
}

/// A waiting reader sees values of all writers of a name, in order.
#[test]
fn one_reader_many_channels() {
    let dir = TestDir::new();
    let done = std::sync::atomic::AtomicBool::new(false);
    let mut reader = {
        let _writer = dir.writer::<u32>();
        dir.reader()
    };
    let count = std::sync::atomic::AtomicUsize::new(0);
    let seen = std::thread::scope(|scope| {
        scope.spawn(|| {
            let end = Instant::now() + TIMEOUT;
            for round in 1_u32.. {
                let mut writer = dir.writer::<u32>();
                writer.write(&[], &[round]).unwrap();
                std::thread::sleep(Duration::from_millis(3));
                // On a busy machine the reader comes to few of them.
                let enough = round >= 40 && count.load(std::sync::atomic::Ordering::Relaxed) >= 5;
                if enough || Instant::now() > end {
                    break;
                }
            }
            done.store(true, std::sync::atomic::Ordering::Release);
        });
        let mut seen = Vec::new();
        loop {
            let finished = done.load(std::sync::atomic::Ordering::Acquire);
            match reader.wait(Duration::from_millis(20)) {
                Ok(Some(sample)) => {
                    seen.push(sample.view::<u32>().unwrap()[[]]);
                    count.store(seen.len(), std::sync::atomic::Ordering::Relaxed);
                }
                Ok(None) | Err(Error::Closed { .. }) if finished => break,
                Ok(None) => {}
                Err(Error::Closed { .. }) => std::thread::yield_now(),
                Err(other) => panic!("{other}"),
            }
        }
        seen
    });
    assert!(seen.is_sorted() && seen.len() >= 5, "{seen:?}");
}

/// Without the reader table nothing can wake its sleepers.
///
/// They find out when their slice of sleep is over.
#[test]
fn a_sleeper_without_its_table_finds_out() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 4 false"), "ok");
    assert_eq!(peer.ask("write uint8 [] 1"), "1");
    let mut reader = dir.reader();
    reader.read().unwrap().unwrap();
    peer.kill();
    let mut writer = None;
    let value = when_asleep(
        || {
            // The board that goes is closed before the next has its name: a look in between finds
            // that, once.
            let found = reader.wait(TIMEOUT).map(drop);
            assert!(matches!(found, Ok(()) | Err(Error::Closed { .. })), "{found:?}");
            if found.is_ok() {
                return Some(reader.latest().unwrap().unwrap().view::<u8>().unwrap()[[]]);
            }
            wait_u8(&mut reader)
        },
        || {
            crate::common::os::clear(&dir.table());
            let mut new = dir.writer::<u8>();
            assert_eq!(new.write(&[], &[3]).unwrap(), 2);
            writer = Some(new);
        },
    );
    assert_eq!((value, reader.writer_epoch()), (Some(3), 2));
}

/// The word that readers sleep on, of a table that may have lost its name.
fn wake_word(table: &std::fs::File) -> u32 {
    let mut bytes = [0; 4];
    crate::common::os::read_exact_at(table, &mut bytes, 68).unwrap();
    u32::from_ne_bytes(bytes)
}

/// Each change of a channel's state rings through its table.
#[test]
fn changes_of_state_ring() {
    let dir = TestDir::new();
    let table = || std::fs::File::open(dir.table()).unwrap();
    let mut writer = dir.options().persist(true).create::<u8>(NAME).unwrap();
    writer.write(&[], &[1]).unwrap();
    let kept = table();
    let before = wake_word(&kept);
    drop(writer);
    assert_ne!(wake_word(&kept), before, "kept");
    let before = wake_word(&kept);
    let writer = dir.writer::<u8>();
    assert_ne!(wake_word(&kept), before, "open again");
    let before = wake_word(&kept);
    drop(writer);
    assert_ne!(wake_word(&kept), before, "closed");

    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 4 false"), "ok");
    peer.kill();
    let left = table();
    let before = wake_word(&left);
    dir.options().remove(NAME).unwrap();
    assert_ne!(wake_word(&left), before, "removed");
}
