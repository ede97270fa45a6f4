//! Locks, each as its user takes and gives it back, around one number.

use std::cell::UnsafeCell;
use std::io::{BufRead, BufReader, Lines, Write};
use std::mem::MaybeUninit;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, RwLock};

use anyhow::{Context, Result, anyhow, ensure};
use memmap2::{MmapMut, MmapOptions};
use ndsharray::{ArrayOptions, SharedArray};

use crate::harness::place::Place;

/// A lock that two threads can have, each through its own handle where the lock has handles.
pub(crate) trait Locking: Send + Sized + 'static {
    const NAME: &'static str;
    /// Whether it works between processes.
    const SHARED: bool;

    /// Two ends of one lock.
    fn pair(place: &Place) -> Result<[Self; 2]>;

    /// Takes the lock to write, adds one, gives it back.
    fn add(&self) -> Result<()>;

    /// Takes the lock to read, if it has such a thing, looks, gives it back.
    fn look(&self) -> Result<u64>;
}

pub(crate) struct Ours(SharedArray<u64>);

impl Locking for Ours {
    const NAME: &'static str = "ndsharray";
    const SHARED: bool = true;

    fn pair(place: &Place) -> Result<[Self; 2]> {
        let options = ArrayOptions::new().dir(place.dir());
        Ok([Self(options.create("lock", &[1])?), Self(options.open("lock")?)])
    }

    #[inline]
    fn add(&self) -> Result<()> {
        self.0.write()?[0] += 1;
        Ok(())
    }

    #[inline]
    fn look(&self) -> Result<u64> {
        Ok(self.0.read()?[0])
    }
}

pub(crate) struct StdRwLock(Arc<RwLock<u64>>);

impl Locking for StdRwLock {
    const NAME: &'static str = "std::sync::RwLock";
    const SHARED: bool = false;

    fn pair(_: &Place) -> Result<[Self; 2]> {
        let lock = Arc::new(RwLock::new(0));
        Ok([Self(Arc::clone(&lock)), Self(lock)])
    }

    #[inline]
    fn add(&self) -> Result<()> {
        *self.0.write().map_err(|_| anyhow!("poisoned"))? += 1;
        Ok(())
    }

    #[inline]
    fn look(&self) -> Result<u64> {
        Ok(*self.0.read().map_err(|_| anyhow!("poisoned"))?)
    }
}

pub(crate) struct StdMutex(Arc<Mutex<u64>>);

impl Locking for StdMutex {
    const NAME: &'static str = "std::sync::Mutex";
    const SHARED: bool = false;

    fn pair(_: &Place) -> Result<[Self; 2]> {
        let lock = Arc::new(Mutex::new(0));
        Ok([Self(Arc::clone(&lock)), Self(lock)])
    }

    #[inline]
    fn add(&self) -> Result<()> {
        *self.0.lock().map_err(|_| anyhow!("poisoned"))? += 1;
        Ok(())
    }

    #[inline]
    fn look(&self) -> Result<u64> {
        Ok(*self.0.lock().map_err(|_| anyhow!("poisoned"))?)
    }
}

/// A value in memory that is shared between processes.
struct Shared<T> {
    place: *mut T,
    _map: Arc<MmapMut>,
}

// SAFETY: what is shared are C locks, made to be used by several threads, and a number that they
// guard.
unsafe impl<T> Send for Shared<T> {}

impl<T> Shared<T> {
    fn pair() -> Result<[Self; 2]> {
        let mut map = MmapOptions::new().len(size_of::<T>()).map_anon()?;
        let place = map.as_mut_ptr().cast::<T>();
        let map = Arc::new(map);
        Ok([Self { place, _map: Arc::clone(&map) }, Self { place, _map: map }])
    }
}

#[repr(C)]
struct Guarded<L> {
    lock: UnsafeCell<L>,
    number: UnsafeCell<u64>,
}

fn check(code: i32) -> Result<()> {
    ensure!(code == 0, "{}", std::io::Error::from_raw_os_error(code));
    Ok(())
}

/// A process-shared, robust pthread mutex: like ours, it survives its holder.
pub(crate) struct PthreadMutex(Shared<Guarded<libc::pthread_mutex_t>>);

impl PthreadMutex {
    fn lock(&self) -> *mut libc::pthread_mutex_t {
        // SAFETY: the place is mapped while `self` lives; only a pointer is made.
        unsafe { UnsafeCell::raw_get(&raw const (*self.0.place).lock) }
    }

    fn number(&self) -> *mut u64 {
        // SAFETY: as above.
        unsafe { UnsafeCell::raw_get(&raw const (*self.0.place).number) }
    }
}

impl Locking for PthreadMutex {
    const NAME: &'static str = "pthread mutex, process-shared, robust";
    const SHARED: bool = true;

    fn pair(_: &Place) -> Result<[Self; 2]> {
        let [a, b] = Shared::pair()?;
        let pair = [Self(a), Self(b)];
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the attributes are initialised before they are used, and the mutex lies in zeroed
        // memory that is not in use yet.
        #[allow(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation")]
        unsafe {
            check(libc::pthread_mutexattr_init(attributes.as_mut_ptr()))?;
            check(libc::pthread_mutexattr_setpshared(attributes.as_mut_ptr(), libc::PTHREAD_PROCESS_SHARED))?;
            check(libc::pthread_mutexattr_setrobust(attributes.as_mut_ptr(), libc::PTHREAD_MUTEX_ROBUST))?;
            check(libc::pthread_mutex_init(pair[0].lock(), attributes.as_ptr()))?;
        }
        Ok(pair)
    }

    #[inline]
    fn add(&self) -> Result<()> {
        // SAFETY: the mutex is initialised and mapped.
        check(unsafe { libc::pthread_mutex_lock(self.lock()) })?;
        // SAFETY: mapped, and guarded by the mutex.
        unsafe { *self.number() += 1 };
        // SAFETY: this thread has the mutex.
        check(unsafe { libc::pthread_mutex_unlock(self.lock()) })
    }

    #[inline]
    fn look(&self) -> Result<u64> {
        // SAFETY: as in `add`.
        check(unsafe { libc::pthread_mutex_lock(self.lock()) })?;
        // SAFETY: as in `add`.
        let number = unsafe { *self.number() };
        // SAFETY: as in `add`.
        check(unsafe { libc::pthread_mutex_unlock(self.lock()) })?;
        Ok(number)
    }
}

/// A process-shared pthread reader–writer lock. Once a holder dies it stays locked.
pub(crate) struct PthreadRwLock(Shared<Guarded<libc::pthread_rwlock_t>>);

impl PthreadRwLock {
    fn lock(&self) -> *mut libc::pthread_rwlock_t {
        // SAFETY: the place is mapped while `self` lives; only a pointer is made.
        unsafe { UnsafeCell::raw_get(&raw const (*self.0.place).lock) }
    }

    fn number(&self) -> *mut u64 {
        // SAFETY: as above.
        unsafe { UnsafeCell::raw_get(&raw const (*self.0.place).number) }
    }
}

impl Locking for PthreadRwLock {
    const NAME: &'static str = "pthread rwlock, process-shared";
    const SHARED: bool = true;

    fn pair(_: &Place) -> Result<[Self; 2]> {
        let [a, b] = Shared::pair()?;
        let pair = [Self(a), Self(b)];
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: as for the mutex.
        #[allow(clippy::multiple_unsafe_ops_per_block, reason = "one initialisation")]
        unsafe {
            check(libc::pthread_rwlockattr_init(attributes.as_mut_ptr()))?;
            check(libc::pthread_rwlockattr_setpshared(attributes.as_mut_ptr(), libc::PTHREAD_PROCESS_SHARED))?;
            check(libc::pthread_rwlock_init(pair[0].lock(), attributes.as_ptr()))?;
        }
        Ok(pair)
    }

    #[inline]
    fn add(&self) -> Result<()> {
        // SAFETY: the lock is initialised and mapped.
        check(unsafe { libc::pthread_rwlock_wrlock(self.lock()) })?;
        // SAFETY: mapped, and guarded by the lock.
        unsafe { *self.number() += 1 };
        // SAFETY: this thread has the lock.
        check(unsafe { libc::pthread_rwlock_unlock(self.lock()) })
    }

    #[inline]
    fn look(&self) -> Result<u64> {
        // SAFETY: as in `add`.
        check(unsafe { libc::pthread_rwlock_rdlock(self.lock()) })?;
        // SAFETY: as in `add`.
        let number = unsafe { *self.number() };
        // SAFETY: as in `add`.
        check(unsafe { libc::pthread_rwlock_unlock(self.lock()) })?;
        Ok(number)
    }
}

/// Python's `multiprocessing.Lock`, in a Python of its own, which times itself.
pub(crate) struct Python {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

const PROGRAM: &str = "
import multiprocessing, sys, time
lock = multiprocessing.Lock()
value = multiprocessing.Value('q', 0)
def locks(count):
    acquire, release = lock.acquire, lock.release
    for _ in range(count):
        acquire(); release()
def adds(count):
    for _ in range(count):
        with value.get_lock():
            value.value += 1
for line in sys.stdin:
    what, count = line.split()
    run, count = {'locks': locks, 'adds': adds}[what], int(count)
    start = time.thread_time_ns()
    run(count)
    print((time.thread_time_ns() - start) / count, flush=True)
";

impl Python {
    /// `None` where there is no Python.
    pub(crate) fn start() -> Result<Option<Self>> {
        let started =
            Command::new("python3").args(["-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = started else { return Ok(None) };
        let stdin = child.stdin.take().context("a child without a standard input")?;
        let stdout = child.stdout.take().context("a child without a standard output")?;
        Ok(Some(Self { child, stdin, lines: BufReader::new(stdout).lines() }))
    }

    /// Nanoseconds for one of `what`: `locks` or `adds`.
    pub(crate) fn time(&mut self, what: &str, count: u64) -> Result<f64> {
        writeln!(self.stdin, "{what} {count}")?;
        Ok(self.lines.next().context("Python ended")??.parse()?)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
