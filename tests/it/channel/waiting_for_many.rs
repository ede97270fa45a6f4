//! Waiting for several channels at once.

use crate::channel::support::{Done, NAME, TIMEOUT, TestDir, assert_few_wakes_are_lost};
use crate::channel::waiting::when_asleep;
#[cfg(target_os = "linux")]
use crate::common::Peer;
use crate::common::os;
use crate::peer::channel;
use ndsharray::{Error, Options, Reader, Ready, Writer, wait_any};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn writers(options: &Options, count: usize) -> Vec<Writer<u32>> {
    (0..count).map(|i| options.create(&format!("channel-{i}")).unwrap()).collect()
}

fn readers(options: &Options, count: usize) -> Vec<Reader> {
    (0..count).map(|i| options.open(&format!("channel-{i}")).unwrap()).collect()
}

fn wait(readers: &mut [Reader], timeout: Duration) -> Ready {
    wait_any(&mut readers.iter_mut().collect::<Vec<_>>(), timeout).unwrap()
}

fn indices(ready: &Ready) -> Vec<usize> {
    ready.iter().collect()
}

/// The value that the reader has not seen.
fn read(reader: &mut Reader) -> Option<u32> {
    reader.read().unwrap().map(|sample| sample.view::<u32>().unwrap()[[]])
}

fn publish(writer: &mut Writer<u32>, value: u32) {
    writer.write(&[], &[value]).unwrap();
}

#[test]
fn an_empty_list_is_an_error() {
    assert!(matches!(wait_any(&mut [], Duration::MAX), Err(Error::NothingToWaitFor)));
}

#[test]
fn a_time_out_takes_its_time_and_finds_nothing() {
    let dir = TestDir::new();
    let _writers = writers(&dir.options(), 3);
    for count in 1..=3 {
        let mut readers = readers(&dir.options(), count);
        for millis in [0, 1, 150] {
            let (begin, timeout) = (Instant::now(), Duration::from_millis(millis));
            let ready = wait(&mut readers, timeout);
            assert!(ready.is_empty() && indices(&ready).is_empty(), "{ready:?}");
            assert!((timeout..timeout + TIMEOUT).contains(&begin.elapsed()));
        }
    }
}

#[test]
fn news_that_are_there_are_not_waited_for() {
    let dir = TestDir::new();
    let mut writers = writers(&dir.options(), 70);
    let mut readers = readers(&dir.options(), 70);
    for i in [0, 63, 64, 69] {
        publish(&mut writers[i], 7);
    }
    for timeout in [Duration::ZERO, Duration::MAX] {
        let ready = wait(&mut readers, timeout);
        assert_eq!(indices(&ready), [0, 63, 64, 69]);
        assert!(ready.contains(64) && !ready.contains(1) && !ready.contains(70) && !ready.is_closed(0));
    }
    // What is read is no news any more.
    assert_eq!(read(&mut readers[63]), Some(7));
    assert_eq!(indices(&wait(&mut readers, Duration::MAX)), [0, 64, 69]);
}

#[test]
fn a_publication_on_any_channel_wakes() {
    let dir = TestDir::new();
    let mut writers = writers(&dir.options(), 5);
    let mut readers = readers(&dir.options(), 4);
    readers.push(dir.options().open_read_only("channel-4").unwrap());
    for round in 0..3 {
        for i in 0..5 {
            let ready = when_asleep(|| wait(&mut readers, Duration::MAX), || publish(&mut writers[i], round));
            assert_eq!(indices(&ready), [i]);
            let value = readers[i].read_owned().unwrap().unwrap();
            assert_eq!(value.view::<u32>().unwrap()[[]], round);
        }
    }
}

#[test]
fn two_readers_of_one_channel_wait_together() {
    let dir = TestDir::new();
    let mut writer = writers(&dir.options(), 1);
    let (mut a, mut b) = (dir.options().open("channel-0").unwrap(), dir.options().open("channel-0").unwrap());
    let ready = when_asleep(|| wait_any(&mut [&mut a, &mut b], Duration::MAX).unwrap(), || publish(&mut writer[0], 1));
    assert_eq!(indices(&ready), [0, 1]);
}

/// More words than the system takes at once.
#[test]
fn hundreds_of_readers_wait_in_groups() {
    let dir = TestDir::new();
    let mut writers = writers(&dir.options(), 5);
    let mut readers: Vec<_> = (0..60).flat_map(|_| readers(&dir.options(), 5)).collect();
    for (i, writer) in writers.iter_mut().enumerate() {
        let ready = when_asleep(|| wait(&mut readers, Duration::MAX), || publish(writer, 1));
        assert!(!ready.is_empty() && ready.iter().all(|reader| reader % 5 == i), "{ready:?}");
        // All of them look, whichever group slept.
        let ready = wait(&mut readers, Duration::MAX);
        assert_eq!(indices(&ready), (0..300).filter(|reader| reader % 5 == i).collect::<Vec<_>>());
        ready.iter().for_each(|reader| assert_eq!(read(&mut readers[reader]), Some(1)));
    }
}

#[test]
fn a_flood_hides_no_other_channel() {
    let dir = TestDir::new();
    let mut writers = writers(&dir.options(), 3);
    let mut readers = readers(&dir.options(), 3);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _done = Done(&is_over);
        let (flooding, quiet) = writers.split_at_mut(1);
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                publish(&mut flooding[0], 0);
            }
        });
        for value in 1..20 {
            publish(&mut quiet[1], value);
            // It is there before the wait begins, so that very wait reports it.
            assert!(wait(&mut readers, TIMEOUT).contains(2));
            assert_eq!(read(&mut readers[2]), Some(value));
            let _ = read(&mut readers[0]);
        }
    });
}

#[test]
fn a_close_is_reported_once() {
    let dir = TestDir::new();
    let mut writers = writers(&dir.options(), 3);
    let mut readers = readers(&dir.options(), 3);
    publish(&mut writers[1], 5);
    let closed = writers.remove(1);
    let ready = wait(&mut readers, TIMEOUT);
    assert_eq!((indices(&ready), ready.is_closed(1)), (vec![1], false), "the last value comes first");
    drop(closed);
    assert_eq!(read(&mut readers[1]), Some(5));
    let ready = wait(&mut readers, TIMEOUT);
    assert_eq!((indices(&ready), ready.is_closed(1)), (vec![1], true));
    assert!(wait(&mut readers, Duration::from_millis(30)).is_empty());
    let last = writers.pop().unwrap();
    let ready = when_asleep(|| wait(&mut readers, Duration::MAX), || drop(last));
    assert_eq!((indices(&ready), ready.is_closed(2), ready.is_closed(1)), (vec![2], true, false));

    // A writer under the same name is followed.
    let mut successor = None;
    let ready = when_asleep(
        || wait(&mut readers, Duration::MAX),
        || publish(successor.insert(dir.options().create("channel-1").unwrap()), 6),
    );
    assert_eq!((indices(&ready), ready.is_closed(1)), (vec![1], false));
    assert_eq!(read(&mut readers[1]), Some(6));
    drop(successor);
    assert!(wait(&mut readers, TIMEOUT).is_closed(1), "once for each close");
}

#[test]
fn a_name_that_moves_is_followed() {
    let dir = TestDir::new();
    let _writers = writers(&dir.options(), 1);
    let mut readers = readers(&dir.options(), 1);
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 4 false"), "ok");
    assert_eq!(peer.ask("write uint8 [] 1"), "1");
    readers.push(dir.reader());
    readers[1].read().unwrap().unwrap();
    peer.kill();
    assert!(wait(&mut readers, Duration::from_millis(30)).is_empty(), "a death ends no wait");
    let mut successor = None;
    let ready = when_asleep(
        || wait(&mut readers, Duration::MAX),
        || {
            // As a person would with `rm`: no writer notices.
            for name in dir.files().iter().filter(|name| name.starts_with(&format!("{NAME}.ndsh"))) {
                os::clear(&dir.path().join(name));
            }
            publish(successor.insert(dir.writer()), 2);
        },
    );
    assert_eq!((indices(&ready), ready.is_closed(1)), (vec![1], false));
    assert_eq!(read(&mut readers[1]), Some(2));
}

#[test]
fn a_killed_writer_ends_no_wait_and_its_successor_is_found() {
    let dir = TestDir::new();
    let _writers = writers(&dir.options(), 1);
    let mut readers = readers(&dir.options(), 1);
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 4 false"), "ok");
    assert_eq!(peer.ask("write uint8 [] 1"), "1");
    readers.push(dir.reader());
    readers[1].read().unwrap().unwrap();
    let mut successor = None;
    let ready = when_asleep(
        || wait(&mut readers, Duration::MAX),
        || {
            peer.kill();
            publish(successor.insert(dir.writer()), 9);
        },
    );
    assert_eq!((indices(&ready), ready.is_closed(1)), (vec![1], false));
    assert_eq!(read(&mut readers[1]), Some(9));
}

#[test]
fn a_writer_s_death_is_an_error_for_those_that_ask() {
    let dir = TestDir::new();
    let _writers = writers(&dir.options(), 1);
    let mut readers = readers(&dir.options(), 1);
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 4 false"), "ok");
    assert_eq!(peer.ask("write uint8 [] 1"), "1");
    readers.push(dir.options().end_with_writer(true).open(NAME).unwrap());
    readers[1].read().unwrap().unwrap();
    assert!(wait(&mut readers, Duration::from_millis(30)).is_empty(), "it lives");
    peer.kill();
    let found = wait_any(&mut readers.iter_mut().collect::<Vec<_>>(), TIMEOUT);
    assert!(matches!(&found, Err(Error::WriterGone { name, .. }) if name == NAME), "{found:?}");
}

/// No wake-up gets lost, whichever channel it comes by.
#[test]
fn no_wake_up_is_lost() {
    let dir = TestDir::new();
    let mut questions = writers(&dir.options(), 7);
    let mut asked = readers(&dir.options(), 7);
    let mut answers = dir.options().create::<u32>("answers").unwrap();
    let mut answered = dir.options().open("answers").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0_u32.. {
                let ready = wait(&mut asked, TIMEOUT);
                let at = round as usize % 7;
                if ready.is_closed(at) {
                    break;
                }
                assert_eq!(indices(&ready), [at]);
                assert_eq!(read(&mut asked[at]), Some(round));
                publish(&mut answers, round);
            }
        });
        let mut next = 0;
        assert_few_wakes_are_lost(|round| {
            publish(&mut questions[round as usize % 7], round);
            let answer = answered.wait(TIMEOUT).unwrap().expect("an answer");
            assert_eq!(answer.view::<u32>().unwrap()[[]], round);
            next = round as usize + 1;
        });
        drop(questions.swap_remove(next % 7));
    });
}

/// Where the system has no such call, or a sandbox refuses it.
#[cfg(target_os = "linux")]
#[test]
fn without_the_system_call_it_naps() {
    for refusal in [libc::ENOSYS, libc::EPERM] {
        let dir = TestDir::new();
        let mut writers = writers(&dir.options(), 16);
        let mut peer = Peer::start(&format!("sandboxed {refusal} 16"), dir.path(), |_| {});
        assert_eq!(peer.hear(), "ready");
        for round in 0..3 {
            for (i, writer) in writers.iter_mut().enumerate() {
                publish(writer, round);
                assert_eq!(peer.hear(), format!("{i}"));
            }
        }
        drop(writers.pop());
        assert_eq!(peer.hear(), "closed 15");
        assert_eq!(peer.hear(), "woken");
        peer.finish();
    }
}
