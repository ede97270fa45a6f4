//! Waiting without a thread for each channel.

use crate::channel::support::{Done, NAME, TestDir, wait_until};
use crate::channel::waiting::when_asleep;
#[cfg(unix)]
use crate::common::Peer;
use crate::common::{block_on, os};
use crate::peer::channel;
use ndsharray::{Error, OwnedSample, Reader, Writer};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

fn publish(writer: &mut Writer<u32>, value: u32) {
    writer.write(&[], &[value]).unwrap();
}

fn element(sample: &OwnedSample) -> u32 {
    sample.view::<u32>().unwrap()[[]]
}

/// The next value, waited for as a future.
async fn next(reader: &mut Reader) -> u32 {
    loop {
        reader.changed().await.unwrap();
        if let Some(sample) = reader.read_owned().unwrap() {
            return element(&sample);
        }
    }
}

/// Counts how often a task is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    fn wait_for(&self, wakes: usize) {
        wait_until("the task is woken", || self.0.load(Ordering::SeqCst) >= wakes);
    }
}

fn poll(reader: &mut Reader, waker: &Waker) -> Poll<ndsharray::Result<()>> {
    reader.poll_changed(&mut Context::from_waker(waker))
}

#[test]
fn a_publication_wakes_a_task() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u32>();
    let copies = dir.options().open_read_only(NAME).unwrap();
    for mut reader in [dir.reader(), copies] {
        reader.read_owned().unwrap();
        for value in 0..3 {
            let found = when_asleep(|| block_on(next(&mut reader)), || publish(&mut writer, value));
            assert_eq!(found, value);
        }
        publish(&mut writer, 7);
        assert_eq!(block_on(next(&mut reader)), 7, "what is there is not waited for");
        assert!(poll(&mut reader, Waker::noop()).is_pending());
    }
}

#[test]
fn a_close_ends_a_wait_once() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u32>();
    let mut reader = dir.reader();
    publish(&mut writer, 1);
    assert_eq!(block_on(next(&mut reader)), 1);
    let ended = when_asleep(|| block_on(reader.changed()), || drop(writer));
    assert!(matches!(ended, Err(Error::Closed { .. })), "{ended:?}");
    assert!(poll(&mut reader, Waker::noop()).is_pending());
    let mut successor = None;
    let found = when_asleep(|| block_on(next(&mut reader)), || publish(successor.insert(dir.writer()), 2));
    assert_eq!(found, 2);
    drop(successor);
    assert!(matches!(block_on(reader.changed()), Err(Error::Closed { .. })));
}

#[test]
fn a_cancelled_wait_loses_nothing() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u32>();
    let mut reader = dir.reader();
    for value in 0..20 {
        {
            let waiting = pin!(reader.changed());
            assert!(waiting.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        publish(&mut writer, value);
        assert_eq!(block_on(next(&mut reader)), value);
    }
}

#[test]
fn a_stream_ends_at_the_close() {
    use futures_core::Stream;
    use futures_core::stream::FusedStream;

    let dir = TestDir::new();
    let mut writer = dir.writer::<u32>();
    publish(&mut writer, 0);
    let mut stream = dir.reader().into_stream();
    let mut following = || block_on(std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)));
    assert_eq!(following().map(|sample| element(&sample.unwrap())), Some(0));
    let found = when_asleep(|| element(&following().unwrap().unwrap()), || publish(&mut writer, 1));
    assert_eq!(found, 1);
    publish(&mut writer, 2);
    drop(writer);
    assert_eq!(following().map(|sample| element(&sample.unwrap())), Some(2));
    assert!(following().is_none() && following().is_none());
    assert!(stream.is_terminated());
    assert_eq!(stream.into_reader().seq(), Some(3));
}

#[test]
fn a_stream_goes_in_order_where_the_reader_does() {
    use futures_core::Stream;

    let dir = TestDir::new();
    let mut writer = dir.options().history(8).create::<u32>(NAME).unwrap();
    (1..=6).for_each(|value| publish(&mut writer, value));
    let mut stream = dir.options().from_oldest(true).open(NAME).unwrap().into_stream();
    let mut following = || block_on(std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)));
    for value in 1..=6 {
        assert_eq!(element(&following().unwrap().unwrap()), value);
    }
    drop(writer);
    assert!(following().is_none());
}

/// One wake-up for each look of the reader, not one for each value.
#[test]
fn a_flood_wakes_once_a_look() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u32>();
    let mut reader = dir.reader();
    let count = Arc::new(Count::default());
    let waker = count.clone().into();
    for looks in 1..=3 {
        assert!(poll(&mut reader, &waker).is_pending());
        for value in 0..500 {
            publish(&mut writer, value);
        }
        count.wait_for(looks);
        for value in 0..500 {
            publish(&mut writer, value);
        }
        assert!(poll(&mut reader, &waker).is_ready());
        assert_eq!(reader.read_owned().unwrap().map(|sample| element(&sample)), Some(499));
        assert_eq!(count.0.load(Ordering::SeqCst), looks);
    }
}

#[test]
fn a_reader_that_is_dropped_while_watched_gives_its_place_back() {
    let dir = TestDir::new();
    let mut writer = dir.options().max_readers(1).create::<u32>(NAME).unwrap();
    for _ in 0..50 {
        let mut reader = dir.reader();
        assert!(poll(&mut reader, Waker::noop()).is_pending());
        drop(reader);
        // At once: the channel has one place.
        drop(dir.reader());
    }
    publish(&mut writer, 1);
    assert_eq!(block_on(next(&mut dir.reader())), 1);
}

/// Tasks whose executor is gone, or panics.
#[test]
fn a_task_without_its_executor_disturbs_no_other() {
    struct Gone;
    impl Wake for Gone {
        fn wake(self: Arc<Self>) {
            // No message: the panic is expected.
            std::panic::resume_unwind(Box::new("the executor is gone"));
        }
    }
    let dir = TestDir::new();
    let mut writer = dir.writer::<u32>();
    let (mut lost, mut reader) = (dir.reader(), dir.reader());
    for value in 0..3 {
        assert!(poll(&mut lost, &Arc::new(Gone).into()).is_pending());
        let found = when_asleep(|| block_on(next(&mut reader)), || publish(&mut writer, value));
        assert_eq!(found, value);
        block_on(next(&mut lost));
    }
}

#[test]
fn a_killed_writer_ends_no_wait_and_its_successor_is_found() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 4 false"), "ok");
    assert_eq!(peer.ask("write uint8 [] 1"), "1");
    let mut reader = dir.reader();
    reader.read().unwrap().unwrap();
    let count = Arc::new(Count::default());
    assert!(poll(&mut reader, &count.clone().into()).is_pending());
    peer.kill();
    let mut successor = dir.writer::<u32>();
    publish(&mut successor, 5);
    count.wait_for(1);
    assert_eq!(block_on(next(&mut reader)), 5);
}

#[test]
fn a_writer_s_death_is_an_error_for_those_that_ask() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 4 false"), "ok");
    assert_eq!(peer.ask("write uint8 [] 1"), "1");
    let mut reader = dir.options().end_with_writer(true).open(NAME).unwrap();
    reader.read().unwrap().unwrap();
    assert!(poll(&mut reader, Waker::noop()).is_pending());
    let found = when_asleep(|| block_on(reader.changed()), || peer.kill());
    assert!(matches!(&found, Err(Error::WriterGone { name, .. }) if name == NAME), "{found:?}");
}

#[test]
fn a_name_that_moves_is_followed() {
    let dir = TestDir::new();
    let mut peer = channel::start(&dir);
    assert_eq!(peer.ask("create 4 4 false"), "ok");
    assert_eq!(peer.ask("write uint8 [] 1"), "1");
    peer.kill();
    let mut reader = dir.reader();
    reader.read().unwrap().unwrap();
    let mut successor = None;
    let found = when_asleep(
        || block_on(next(&mut reader)),
        || {
            for name in dir.files() {
                os::clear(&dir.path().join(name));
            }
            publish(successor.insert(dir.writer()), 2);
        },
    );
    assert_eq!(found, 2);
}

/// Two executors, hundreds of readers, few threads.
#[test]
fn hundreds_of_readers_share_threads() {
    const READERS: usize = 300;
    const VALUES: u32 = 20;
    let dir = TestDir::new();
    let mut writer = dir.options().max_readers(READERS).create::<u32>(NAME).unwrap();
    let readers: Vec<_> = (0..READERS).map(|_| dir.reader()).collect();
    let done = AtomicUsize::new(0);
    let (loops, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _over = Done(&is_over);
        let mut readers = readers.into_iter();
        for _ in 0..2 {
            let mut mine: Vec<_> = readers.by_ref().take(READERS / 2).collect();
            let (done, loops) = (&done, &loops);
            scope.spawn(move || {
                block_on(std::future::poll_fn(|context| {
                    loops.fetch_add(1, Ordering::Relaxed);
                    mine.retain_mut(|reader| {
                        while reader.poll_changed(context).is_ready() {
                            if element(&reader.read_owned().unwrap().unwrap()) == VALUES {
                                done.fetch_add(1, Ordering::Relaxed);
                                return false;
                            }
                        }
                        true
                    });
                    if mine.is_empty() { Poll::Ready(()) } else { Poll::Pending }
                }));
            });
        }
        wait_until("both loops wait", || loops.load(Ordering::Relaxed) >= 2);
        for value in 1..=VALUES {
            publish(&mut writer, value);
        }
        wait_until("all have come to the end", || done.load(Ordering::Relaxed) == READERS);
        #[cfg(target_os = "linux")]
        assert!((1..=10).contains(&watchers().len()), "{:?}", watchers());
    });
}

/// A thousand channels in one task. The peer has the threads of no other test.
#[cfg(target_os = "linux")]
#[test]
fn a_thousand_channels_share_ten_threads() {
    Peer::start("crowd 1000", TestDir::new().path(), |_| {}).finish();
}

/// `/proc/.../status` of the watching threads of this process.
#[cfg(target_os = "linux")]
fn watchers() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let status =
        |task: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(task.ok()?.path().join("status")).ok();
    tasks.filter_map(status).filter(|status| status.starts_with("Name:\tndsharray-news")).collect()
}

/// Signals are for the program's own threads.
#[cfg(target_os = "linux")]
#[test]
fn the_watcher_takes_no_signals() {
    let dir = TestDir::new();
    let _writer = dir.writer::<u32>();
    let mut reader = dir.reader();
    assert!(poll(&mut reader, Waker::noop()).is_pending());
    // All but SIGKILL and SIGSTOP, and what the C library keeps for itself.
    const COMMON: u64 = 0x7fff_fffe_7fff_ffff & !(1 << 8 | 1 << 18) & 0xffff_ffff;
    let blocked = |status: &String| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap()
    };
    assert!(watchers().iter().all(|status| blocked(status) & COMMON == COMMON), "{:?}", watchers());
}

/// Where the system cannot sleep on several words.
#[cfg(target_os = "linux")]
#[test]
fn without_the_system_call_the_watcher_naps() {
    let dir = TestDir::new();
    let mut writer = dir.options().create::<u32>("channel-0").unwrap();
    let mut peer = Peer::start(&format!("sandboxed-tasks {}", libc::EPERM), dir.path(), |_| {});
    assert_eq!(peer.hear(), "ready");
    for value in 0..5 {
        publish(&mut writer, value);
        assert_eq!(peer.hear(), value.to_string());
    }
    drop(writer);
    assert_eq!(peer.hear(), "closed");
    peer.finish();
}

#[cfg(unix)]
mod descriptors {
    use super::*;
    use crate::channel::support::{TIMEOUT, assert_few_wakes_are_lost};
    use ndsharray::NewsFd;
    use std::os::fd::AsRawFd;
    use std::time::Duration;

    /// Waits until it is readable, at most `timeout`.
    fn is_readable(fd: &NewsFd, timeout: Duration) -> bool {
        let mut polled = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one struct, which the call may write, and a descriptor that is open.
        let answer = unsafe { libc::poll(&raw mut polled, 1, timeout.as_millis() as i32) };
        assert!(answer >= 0);
        answer == 1
    }

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn it_is_readable_while_there_are_news() {
        let dir = TestDir::new();
        let mut writer = dir.writer::<u32>();
        let copies = dir.options().open_read_only(NAME).unwrap();
        for mut reader in [dir.reader(), copies] {
            reader.read_owned().unwrap();
            let fd = reader.news_fd().unwrap();
            for value in 0..3 {
                assert!(!is_readable(&fd, NOW));
                publish(&mut writer, value);
                assert!(is_readable(&fd, TIMEOUT) && is_readable(&fd, NOW));
                publish(&mut writer, value);
                assert!(is_readable(&fd, NOW));
                assert_eq!(reader.read_owned().unwrap().map(|sample| element(&sample)), Some(value));
                assert!(!is_readable(&fd, NOW), "the read resets it");
            }
            // Each way to read does.
            let mut out = Vec::<u32>::new();
            let ways: [&mut dyn FnMut(&mut Reader); 6] = [
                &mut |reader| drop(reader.read_next_owned().unwrap().unwrap()),
                &mut |reader| drop(reader.wait_next_owned(TIMEOUT).unwrap().unwrap()),
                &mut |reader| drop(reader.read_into(&mut out).unwrap().unwrap()),
                &mut |reader| drop(reader.latest_owned().unwrap().unwrap()),
                &mut |reader| drop(reader.wait_owned(TIMEOUT).unwrap().unwrap()),
                &mut |reader| assert_eq!(block_on(next(reader)), 9),
            ];
            for read in ways {
                publish(&mut writer, 9);
                assert!(is_readable(&fd, TIMEOUT));
                read(&mut reader);
                assert!(!is_readable(&fd, NOW));
            }
        }
    }

    #[test]
    fn it_tells_news_that_were_there_before() {
        let dir = TestDir::new();
        let mut writer = dir.writer::<u32>();
        publish(&mut writer, 1);
        let mut reader = dir.reader();
        let (fd, same) = (reader.news_fd().unwrap(), reader.news_fd().unwrap());
        assert!(is_readable(&fd, NOW) && fd.as_raw_fd() == same.as_raw_fd());
        drop(fd);
        reader.read().unwrap().unwrap();
        assert!(!is_readable(&same, NOW));
    }

    #[test]
    fn it_tells_a_close_once() {
        for reads in [true, false] {
            let dir = TestDir::new();
            let mut writer = dir.writer::<u32>();
            let mut reader = dir.reader();
            let fd = reader.news_fd().unwrap();
            publish(&mut writer, 1);
            drop(writer);
            assert!(is_readable(&fd, TIMEOUT));
            assert!(reader.read().unwrap().is_some());
            assert!(is_readable(&fd, TIMEOUT), "the close is news too");
            if reads {
                assert!(reader.read().unwrap().is_none() && reader.is_closed());
            } else {
                assert!(matches!(reader.wait(NOW), Err(Error::Closed { .. })));
            }
            assert!(!is_readable(&fd, NOW));
            let mut successor = dir.writer::<u32>();
            publish(&mut successor, 2);
            assert!(is_readable(&fd, TIMEOUT));
            // It may be that the name has moved, which a read follows.
            wait_until("the successor's value", || {
                assert!(is_readable(&fd, TIMEOUT));
                reader.read().unwrap().is_some()
            });
            assert!(!is_readable(&fd, NOW));
            drop(successor);
            assert!(is_readable(&fd, TIMEOUT));
        }
    }

    #[test]
    fn it_follows_a_name_that_moves() {
        let dir = TestDir::new();
        let mut peer = channel::start(&dir);
        assert_eq!(peer.ask("create 4 4 false"), "ok");
        assert_eq!(peer.ask("write uint8 [] 1"), "1");
        peer.kill();
        let mut reader = dir.reader();
        let fd = reader.news_fd().unwrap();
        assert!(reader.read().unwrap().is_some() && !is_readable(&fd, NOW));
        for name in dir.files() {
            os::clear(&dir.path().join(name));
        }
        let mut writer = dir.writer::<u32>();
        publish(&mut writer, 2);
        wait_until("the new channel's value", || {
            assert!(is_readable(&fd, TIMEOUT));
            reader.read().unwrap().is_some()
        });
        assert!(!is_readable(&fd, NOW));
    }

    #[test]
    fn it_outlives_its_reader() {
        let dir = TestDir::new();
        let mut writer = dir.writer::<u32>();
        let fd = dir.reader().news_fd().unwrap();
        publish(&mut writer, 1);
        assert!(!is_readable(&fd, NOW));
    }

    /// No wake-up gets lost on the way through watcher and descriptor.
    #[test]
    fn no_news_get_lost() {
        let dir = TestDir::new();
        let mut questions = dir.options().create::<u32>("questions").unwrap();
        let mut answers = dir.options().create::<u32>("answers").unwrap();
        let (mut asked, mut answered) =
            (dir.options().open("questions").unwrap(), dir.options().open("answers").unwrap());
        let fd = asked.news_fd().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0_u32.. {
                    assert!(is_readable(&fd, TIMEOUT));
                    let Some(sample) = asked.read_owned().unwrap() else { break };
                    assert_eq!(element(&sample), round);
                    publish(&mut answers, round);
                }
                assert!(asked.is_closed());
            });
            assert_few_wakes_are_lost(|round| {
                publish(&mut questions, round);
                assert_eq!(block_on(next(&mut answered)), round);
            });
            drop(questions);
        });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn without_a_descriptor_left_it_is_an_error() {
        Peer::start("short-of-descriptors", TestDir::new().path(), |_| {}).finish();
    }

    #[test]
    fn a_forked_child_has_no_part_in_it() {
        let dir = TestDir::new();
        let mut peer = Peer::start("fork-watched", dir.path(), |_| {});
        assert_eq!(peer.hear(), "forked");
        peer.tell("go on");
        peer.finish();
    }
}
