//! Threads of one handle, and of several.

use crate::peer::array::change_all;
use crate::shared::support::{TIMEOUT, TestDir, wait_until};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn threads_of_one_handle_exclude_each_other() {
    let dir = TestDir::new();
    let array = dir.create::<u64>(&[64]);
    let other = dir.open::<u64>();
    let read = AtomicU32::new(0);
    thread::scope(|scope| {
        for (n, handle) in [&array, &array, &other].into_iter().enumerate() {
            scope.spawn(move || (0..3000).for_each(|_| change_all(&mut handle.write().unwrap()[1..])));
            scope.spawn(|| {
                (0..3000).for_each(|_| {
                    let guard = handle.read().unwrap();
                    let others = &guard[1..];
                    assert!(others.iter().all(|&element| element == others[0]), "torn");
                    read.fetch_add(1, Ordering::Relaxed);
                });
            });
            if n != 0 {
                scope.spawn(move || (0..3000).for_each(|_| _ = handle.fetch_add(0, 1)));
            }
        }
    });
    assert_eq!(read.load(Ordering::Relaxed), 9000);
    assert_eq!(array.load(0), 6000);
    assert!(array.read().unwrap()[1..].iter().all(|&element| element == 9000));
}

#[test]
fn two_threads_of_one_handle_read_at_once() {
    let dir = TestDir::new();
    let array = dir.create::<u8>(&[1]);
    let guard = array.read().unwrap();
    thread::scope(|scope| {
        let second = scope.spawn(|| array.read_timeout(TIMEOUT).unwrap().is_some());
        assert!(second.join().unwrap());
    });
    drop(guard);
    assert!(array.try_write().unwrap().is_some());
}

/// Readers that overlap without a gap do not keep a writer out.
#[test]
fn a_stream_of_readers_does_not_starve_a_writer() {
    let dir = TestDir::new();
    let array = dir.create::<u8>(&[1]);
    let others = [dir.open::<u8>(), dir.open::<u8>(), dir.open::<u8>()];
    let done = AtomicBool::new(false);
    let started = AtomicU32::new(0);
    thread::scope(|scope| {
        let readers: Vec<_> = others
            .iter()
            .map(|other| {
                scope.spawn(|| {
                    let mut reads = 0_u64;
                    while !done.load(Ordering::Relaxed) {
                        let _guard = other.read().unwrap();
                        started.fetch_add(u32::from(reads == 0), Ordering::Relaxed);
                        // Long enough that another reader always is inside.
                        let end = Instant::now() + Duration::from_micros(200);
                        while Instant::now() < end {
                            std::hint::spin_loop();
                        }
                        reads += 1;
                    }
                    reads
                })
            })
            .collect();
        wait_until("all readers read", || started.load(Ordering::Relaxed) == 3);
        let mut got = 0;
        for _ in 0..50 {
            got += u32::from(array.write_timeout(TIMEOUT).unwrap().is_some());
        }
        done.store(true, Ordering::Relaxed);
        assert_eq!(got, 50);
        let reads: u64 = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
        println!("{reads} reads beside 50 writes");
    });
}

/// Writers that follow each other without a gap do not keep a reader out.
///
/// It waits for the current holder, not for all that want the lock.
#[test]
fn a_stream_of_writers_does_not_starve_a_reader() {
    let dir = TestDir::new();
    let array = dir.create::<u8>(&[1]);
    let others = [dir.open::<u8>(), dir.open::<u8>(), dir.open::<u8>()];
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for other in &others {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let _guard = other.write().unwrap();
                    let end = Instant::now() + Duration::from_micros(200);
                    while Instant::now() < end {
                        std::hint::spin_loop();
                    }
                }
            });
        }
        let got = (0..50).filter(|_| array.read_timeout(TIMEOUT).unwrap().is_some()).count();
        done.store(true, Ordering::Relaxed);
        assert_eq!(got, 50);
    });
}

#[test]
fn who_looks_and_who_changes_single_elements_take_turns() {
    let dir = TestDir::new();
    let array = dir.create::<u32>(&[2]);
    let other = dir.open::<u32>();
    let guard = array.read().unwrap();
    assert_eq!(other.load(0), 0, "loads go with readers");
    let stored = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            other.store(0, 5);
            stored.store(true, Ordering::SeqCst);
        });
        wait_until("the store waits for the reader", || array.try_read().unwrap().is_none());
        assert!(!stored.load(Ordering::SeqCst));
        assert_eq!(guard[0], 0);
        drop(guard);
    });
    assert_eq!(array.load(0), 5);

    let cells = other.atomic().unwrap();
    cells.store(1, 6);
    let also = array.atomic().unwrap();
    assert_eq!(also.fetch_add(1, 1), 6);
    assert!(array.try_read().unwrap().is_none());
    assert!(array.try_write().unwrap().is_none());
    assert_eq!(array.load(1), 7);
    drop((cells, also));
    assert_eq!(*array.read().unwrap(), [5, 7]);
}

#[cfg(unix)]
#[test]
fn who_waits_sleeps() {
    let dir = TestDir::new();
    let array = dir.create::<u8>(&[1]);
    let other = dir.open::<u8>();
    let guard = array.write().unwrap();
    let thread_time = || {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a valid place for one timespec.
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    // On a busy machine, or an emulated one, one of several attempts has to do.
    wait_until("a wait that takes little of the processor", || {
        let before = thread_time();
        assert!(other.read_timeout(Duration::from_millis(300)).unwrap().is_none());
        assert!(other.write_timeout(Duration::from_millis(300)).unwrap().is_none());
        thread_time() - before < Duration::from_millis(60)
    });
    drop(guard);
}
