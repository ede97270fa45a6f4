//! The threads that sleep in the place of tasks and of loops over descriptors.
//!
//! The first is started when the first reader is watched, and a further one for each time that a
//! system call's words are used up. They take no signals, and stay until the process ends.

use super::watch::{Check, Pace, Watch};
use crate::channel::reader::deadline::{
    LONGEST_NAP, LOOKS_AT_GONE, WRITER_SLICE, names_at_a_time, slice_for, time_between_looks,
};
use crate::sys::{self, Alarm, Home, WaitSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

/// Readers of one watcher: a word is left for its alarm.
const READERS: usize = if WaitSet::MAX < 128 { WaitSet::MAX - 1 } else { 127 };

/// A thread, and the readers that it watches.
pub(crate) struct Watcher {
    readers: Mutex<Vec<Arc<Watch>>>,
    /// For a thread that has nothing to do, where no alarm ends a sleep.
    rung: Condvar,
    /// Rings when there is something to look at.
    alarm: Alarm,
}

/// The watchers of one process.
struct Pool {
    home: Home,
    watchers: Mutex<Vec<Arc<Watcher>>>,
}

impl Pool {
    /// This process' pool.
    ///
    /// A forked child has a new one: the threads of its parent's are not there, and its lock may be
    /// held.
    fn here() -> &'static Self {
        static POOL: AtomicPtr<Pool> = AtomicPtr::new(std::ptr::null_mut());
        let found = POOL.load(Ordering::Acquire);
        // SAFETY: a pool that the pointer has led to is never freed. Acquire pairs with the
        // exchange below, so it is complete.
        if let Some(pool) = unsafe { found.as_ref() }
            && pool.home.is_here()
        {
            return pool;
        }
        let new = Box::into_raw(Box::new(Self { home: Home::here(), watchers: Mutex::new(Vec::new()) }));
        match POOL.compare_exchange(found, new, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: as above; it is never freed from here on.
            Ok(_) => unsafe { &*new },
            Err(other) => {
                // SAFETY: made above, and no other party has seen it.
                drop(unsafe { Box::from_raw(new) });
                // SAFETY: as above. Another thread of this process has been quicker.
                unsafe { &*other }
            }
        }
    }
}

/// Has a watcher watch a new reader, and starts one if need be.
pub(super) fn watch() -> io::Result<(Arc<Watcher>, Arc<Watch>)> {
    let pool = Pool::here();
    let mut watchers = pool.watchers.lock().unwrap_or_else(PoisonError::into_inner);
    let watch = Arc::new(Watch::new());
    for watcher in watchers.iter() {
        let mut readers = watcher.lock();
        if readers.len() < READERS {
            readers.push(Arc::clone(&watch));
            return Ok((Arc::clone(watcher), watch));
        }
    }
    let watcher =
        Arc::new(Watcher { readers: Mutex::new(vec![Arc::clone(&watch)]), rung: Condvar::new(), alarm: Alarm::new() });
    let thread = Arc::clone(&watcher);
    sys::without_signals(|| std::thread::Builder::new().name("ndsharray-news".to_owned()).spawn(move || thread.run()))?;
    watchers.push(Arc::clone(&watcher));
    Ok((watcher, watch))
}

impl Watcher {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Watch>>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the thread look at its readers again: one of them has been armed.
    pub(super) fn ring(&self) {
        self.alarm.ring();
        if !WaitSet::is_woken() {
            drop(self.lock());
            self.rung.notify_one();
        }
    }

    /// Forgets a reader. Its watch is not armed.
    pub(super) fn forget(&self, watch: &Arc<Watch>) {
        self.lock().retain(|other| !Arc::ptr_eq(other, watch));
    }

    fn run(&self) {
        let mut set = WaitSet::new();
        let mut tasks: Vec<Waker> = Vec::new();
        let mut next_slice = Instant::now();
        loop {
            // Before the look: what rings from here on is looked at the next time.
            self.alarm.silence();
            set.clear();
            set.add_alarm(&self.alarm);
            let now = Instant::now();
            let is_slice_over = now >= next_slice;
            let (time, slice) = self.look(&mut set, &mut tasks, now, is_slice_over);
            if is_slice_over {
                next_slice = now + slice;
            }
            if !tasks.is_empty() {
                set.rouse();
            }
            for task in tasks.drain(..) {
                // What an executor does is not this thread's to die of.
                let _ = catch_unwind(AssertUnwindSafe(|| task.wake()));
            }
            match time {
                _ if self.alarm.is_ringing() => {}
                Some(time) => set.sleep(time),
                None if WaitSet::is_woken() => set.sleep(Duration::MAX),
                None => self.idle(),
            }
        }
    }

    /// Sleeps until it is rung for, where a set of words would only nap.
    fn idle(&self) {
        let mut readers = self.lock();
        while !self.alarm.is_ringing() {
            readers = self.rung.wait(readers).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Looks at all readers.
    ///
    /// Returns how long to sleep at most, `None` if none is armed, and the length of a slice.
    fn look(
        &self,
        set: &mut WaitSet,
        tasks: &mut Vec<Waker>,
        now: Instant,
        is_slice_over: bool,
    ) -> (Option<Duration>, Duration) {
        let readers = self.lock();
        let (every, slice) = (time_between_looks(readers.len()), slice_for(readers.len()));
        let mut names = names_at_a_time(readers.len());
        let mut time = None;
        for reader in readers.iter() {
            let mut watched = reader.lock();
            let due = watched.next_look().filter(|due| names > 0 && now >= *due);
            names -= usize::from(due.is_some());
            let every = if watched.is_gone() { every / LOOKS_AT_GONE } else { every };
            match watched.check(set, now, is_slice_over, due.map(|_| now + every)) {
                Check::Idle => {}
                Check::News(task) => tasks.push(task),
                Check::Armed(pace) => {
                    let most = match pace {
                        Pace::Notified => slice,
                        Pace::Unnoticed => LONGEST_NAP,
                        Pace::Gone => every,
                        Pace::Mortal => WRITER_SLICE,
                    };
                    time = Some(time.map_or(most, |time: Duration| time.min(most)));
                }
            }
        }
        (time, slice)
    }
}
