//! Wake-ups without news.

use crate::channel::support::{Done, TestDir, wait_until};
use crate::channel::waiting::when_asleep;
use memmap2::Mmap;
use ndsharray::{Reader, wait_any};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The words that readers of a channel sleep on, mapped by a party that has no part in it.
struct Words(Mmap);

impl Words {
    fn of(dir: &TestDir) -> Self {
        let file = std::fs::File::open(dir.table()).unwrap();
        // SAFETY: the bytes are not looked at.
        Self(unsafe { Mmap::map(&file) }.unwrap())
    }

    /// Wakes all that sleep on any of the words; returns how many there were.
    fn wake_all(&self) -> i64 {
        let words = self.0.as_ptr_range();
        (words.start.addr()..words.end.addr())
            .step_by(4)
            .map(|at| {
                // SAFETY: FUTEX_WAKE uses the address as a key alone.
                let woken = unsafe { libc::syscall(libc::SYS_futex, at, libc::FUTEX_WAKE, i32::MAX) };
                assert!(woken >= 0, "{}", std::io::Error::last_os_error());
                #[allow(clippy::useless_conversion, reason = "its width differs by target")]
                i64::from(woken)
            })
            .sum()
    }
}

/// Whether a sleep ends by a wake-up: a last resort, or an emulator, may know naps alone.
fn is_woken(several: bool) -> bool {
    if cfg!(ndsharray_portable) {
        return false;
    }
    // SAFETY: no words to wait for, so nothing is read.
    let answer = unsafe { libc::syscall(libc::SYS_futex_waitv, std::ptr::null::<u8>(), 0, 0, 0, 0) };
    assert_eq!(answer, -1);
    !several || std::io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL)
}

/// Wakes a waiting thread again and again; then there is a value, and it returns that.
fn survives(several: bool, wait: impl FnOnce(&mut Reader) -> Option<u8> + Send) {
    const TIMES: i64 = 30;
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    let words = Words::of(&dir);
    let has_ended = AtomicBool::new(false);
    let found = when_asleep(
        || {
            let found = wait(&mut reader);
            has_ended.store(true, Ordering::SeqCst);
            found
        },
        || {
            let mut woken = 0;
            if is_woken(several) {
                wait_until("it has been woken often enough", || {
                    woken += words.wake_all();
                    woken >= TIMES
                });
            }
            assert!(!has_ended.load(Ordering::SeqCst), "no news, and yet it has ended");
            writer.write(&[], &[5]).unwrap();
        },
    );
    assert_eq!(found, Some(5));
}

fn value(reader: &mut Reader) -> Option<u8> {
    reader.read().unwrap().map(|sample| sample.view::<u8>().unwrap()[[]])
}

#[test]
fn they_end_no_wait() {
    survives(false, |reader| reader.wait(Duration::MAX).unwrap().map(|sample| sample.view::<u8>().unwrap()[[]]));
    survives(true, |reader| {
        let ready = wait_any(&mut [&mut *reader], Duration::MAX).unwrap();
        assert!(ready.contains(0) && !ready.is_closed(0));
        value(reader)
    });
    #[cfg(feature = "async")]
    survives(true, |reader| {
        crate::common::block_on(reader.changed()).unwrap();
        value(reader)
    });
}

/// A task may be polled for no reason, as often as its executor likes.
#[cfg(feature = "async")]
#[test]
fn polls_without_news_find_nothing() {
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut reader = dir.reader();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for round in 0..50 {
        for _ in 0..10 {
            assert!(reader.poll_changed(&mut context).is_pending());
        }
        writer.write(&[], &[round]).unwrap();
        for _ in 0..2 {
            assert!(reader.poll_changed(&mut context).is_ready(), "until it has been read");
        }
        assert_eq!(value(&mut reader), Some(round));
    }
    drop(writer);
    crate::common::block_on(reader.changed()).unwrap_err();
    assert!(reader.poll_changed(&mut context).is_pending(), "a close is told once");
}

/// Signals interrupt the sleep of a thread, and end no wait.
#[test]
fn signals_end_no_wait() {
    use std::os::unix::thread::JoinHandleExt;

    extern "C" fn ignore(_: libc::c_int) {}
    // SAFETY: a C struct of numbers, for which all zeroes is a value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = ignore as *const () as libc::sighandler_t;
    // SAFETY: the handler does nothing. No other test of this binary uses the signal. Without
    // SA_RESTART, system calls that it interrupts return.
    let answer = unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) };
    assert_eq!(answer, 0);
    let dir = TestDir::new();
    let mut writer = dir.writer::<u8>();
    let mut readers = [dir.reader(), dir.reader()];
    let is_over = std::sync::Arc::new(AtomicBool::new(false));
    let _over = Done(&is_over);
    let thread = std::thread::spawn({
        let is_over = is_over.clone();
        move || {
            let [first, second] = &mut readers;
            assert!(wait_any(&mut [&mut *first, second], Duration::MAX).unwrap().contains(0));
            let early = !is_over.load(Ordering::SeqCst);
            (early, value(first))
        }
    });
    for _ in 0..200 {
        // SAFETY: the thread has not been joined, so its id is valid.
        assert_eq!(unsafe { libc::pthread_kill(thread.as_pthread_t(), libc::SIGUSR1) }, 0);
        std::thread::yield_now();
    }
    is_over.store(true, Ordering::SeqCst);
    writer.write(&[], &[7]).unwrap();
    assert_eq!(thread.join().unwrap(), (false, Some(7)));
}
