//! Ending waits from outside.

use crate::channel::support::{NAME, TIMEOUT, TestDir};
use crate::channel::waiting::when_asleep;
use ndsharray::{Reader, ReaderWaker, wait_any};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Every way to wait; each returns whether it has found a value.
fn waits() -> Vec<fn(&mut Reader, Duration) -> bool> {
    vec![
        |reader, timeout| reader.wait(timeout).unwrap().is_some(),
        |reader, timeout| reader.wait_next(timeout).unwrap().is_some(),
        |reader, timeout| reader.wait_owned(timeout).unwrap().is_some(),
        |reader, timeout| reader.wait_next_owned(timeout).unwrap().is_some(),
        |reader, timeout| reader.wait_into(&mut Vec::<u8>::new(), timeout).unwrap().is_some(),
        |reader, timeout| reader.wait_for_news(timeout).unwrap() && reader.read_owned().unwrap().is_some(),
        |reader, timeout| {
            let ready = wait_any(&mut [&mut *reader], timeout).unwrap();
            assert!(!ready.is_closed(0));
            ready.contains(0) && reader.read_owned().unwrap().is_some()
        },
    ]
}

#[test]
fn a_wake_ends_a_wait() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut readers = [dir.reader(), dir.options().spin(Duration::ZERO).open(NAME).unwrap()].map(|reader| (reader, 0));
    let copies = (dir.options().open_read_only(NAME).unwrap(), 2);
    for (reader, first) in readers.iter_mut().chain([&mut { copies }]) {
        let waker = reader.waker();
        reader.read_owned().unwrap();
        for wait in &waits()[*first..] {
            assert!(!waker.is_woken());
            let began = Instant::now();
            assert!(!when_asleep(|| wait(reader, Duration::MAX), || waker.wake()));
            assert!(waker.is_woken() && began.elapsed() < TIMEOUT);
            // It is used up.
            assert!(!wait(reader, Duration::from_millis(5)) && !waker.is_woken());
            writer.write(&[], &[1]).unwrap();
            assert!(wait(reader, TIMEOUT) && !waker.is_woken());
        }
    }
}

#[test]
fn a_wake_before_the_wait_ends_it_even_with_news() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    let waker = reader.waker();
    for wait in waits() {
        writer.write(&[], &[1]).unwrap();
        waker.wake();
        waker.clone().wake();
        assert!(waker.is_woken());
        assert!(!wait(&mut reader, Duration::MAX) && waker.is_woken());
        assert!(wait(&mut reader, Duration::ZERO) && !waker.is_woken(), "two wakes count as one");
    }
    // It is no news for those that do not wait.
    writer.write(&[], &[2]).unwrap();
    waker.wake();
    assert!(reader.read().unwrap().is_some() && waker.is_woken());
}

#[test]
fn one_waker_of_many_ends_a_wait_for_all() {
    let dir = TestDir::new();
    let _writer = dir.writer::<u8>();
    let mut readers: Vec<_> = (0..60).map(|_| dir.reader()).collect();
    let wakers: Vec<_> = readers.iter().map(Reader::waker).collect();
    let mut wait = |timeout| wait_any(&mut readers.iter_mut().collect::<Vec<_>>(), timeout).unwrap();
    for waker in [&wakers[0], &wakers[59]] {
        let ready = when_asleep(|| wait(Duration::MAX), || waker.wake());
        assert!(ready.is_empty() && waker.is_woken() && !wakers[30].is_woken());
        assert!(wait(Duration::ZERO).is_empty() && !waker.is_woken());
    }
}

#[test]
fn wakers_outlive_their_reader() {
    let dir = TestDir::new();
    let _writer = dir.writer::<u8>();
    let waker = dir.reader().waker();
    waker.wake();
    assert!(waker.is_woken());
}

#[test]
fn a_wake_goes_along_when_the_name_moves() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    let waker = reader.waker();
    writer.write(&[], &[1]).unwrap();
    assert!(reader.wait(TIMEOUT).unwrap().is_some());
    drop(writer);
    assert!(reader.wait(TIMEOUT).is_err(), "the close");
    let mut writer = dir.writer::<u8>();
    writer.write(&[], &[2]).unwrap();
    assert!(reader.wait(TIMEOUT).unwrap().is_some());
    writer.write(&[], &[3]).unwrap();
    waker.wake();
    assert!(reader.wait(TIMEOUT).unwrap().is_none() && waker.is_woken());
    assert!(reader.wait(TIMEOUT).unwrap().is_some());
}

/// A loop that is behind its writer ends too.
#[test]
fn a_flood_keeps_no_wake_back() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    let waker = reader.waker();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..100 {
                writer.write(&[], &[1]).unwrap();
            }
            waker.wake();
            while !is_over.load(Ordering::Relaxed) {
                writer.write(&[], &[1]).unwrap();
            }
        });
        while reader.wait(TIMEOUT).unwrap().is_some() {}
        let is_woken = waker.is_woken();
        let has_value = reader.wait(TIMEOUT).unwrap().is_some();
        // Before anything is asserted: the flood ends in any case.
        is_over.store(true, Ordering::Relaxed);
        assert!(is_woken);
        assert!(has_value, "the flood goes on, and is read");
    });
}

/// A handler that interrupts the very thread that waits.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_handler_wakes() {
    use std::os::unix::thread::JoinHandleExt;
    use std::sync::OnceLock;

    static WAKER: OnceLock<ReaderWaker> = OnceLock::new();
    extern "C" fn handle(_: libc::c_int) {
        if let Some(waker) = WAKER.get() {
            waker.wake();
        }
    }
    let dir = TestDir::new();
    let _writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    WAKER.set(reader.waker()).unwrap();
    // SAFETY: the handler does nothing but wake, which is async-signal-safe. No other test of this
    // binary uses the signal.
    unsafe { libc::signal(libc::SIGUSR2, handle as *const () as libc::sighandler_t) };
    let waiting = std::thread::spawn(move || {
        assert!(reader.wait(Duration::MAX).unwrap().is_none());
        // SAFETY: takes numbers.
        unsafe { libc::raise(libc::SIGUSR2) };
        assert!(wait_any(&mut [&mut reader], Duration::MAX).unwrap().is_empty());
    });
    // SAFETY: the thread has not been joined, so its id is valid.
    assert_eq!(unsafe { libc::pthread_kill(waiting.as_pthread_t(), libc::SIGUSR2) }, 0);
    waiting.join().unwrap();
}

#[test]
fn wakers_go_anywhere() {
    fn goes_anywhere<T: Clone + Send + Sync + 'static>() {}
    goes_anywhere::<ReaderWaker>();
}
