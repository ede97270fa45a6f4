//! What a forked child can and cannot do with its parent's writer and readers.

use crate::common::{NAME, Named, listen, say, shape_of, value};
use ndsharray::{ArrayOptions, DType, Error, Options, SharedArray, Writer, compat, wait_any};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

/// Runs a block in a forked child, which ends there; fails if the block does.
///
/// What the block drops is the child's copy.
macro_rules! in_child {
    ($body:block) => {
        match fork() {
            0 => end(catch_unwind(AssertUnwindSafe(move || $body)).is_ok()),
            child => wait_for(child),
        }
    };
}

fn fork() -> i32 {
    assert_eq!(fs::read_dir("/proc/self/task").unwrap().count(), 1);
    // SAFETY: this process has one thread, so the child may do what its parent may.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    child
}

fn end(well: bool) -> ! {
    // SAFETY: takes a number; nothing of this process is needed any more.
    unsafe { libc::_exit(i32::from(!well)) }
}

fn wait_for(child: i32) {
    let mut status = 0;
    // SAFETY: `status` is an integer that the call may write.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "the forked child failed");
}

fn put(writer: &mut Writer<u64>, id: u64) -> ndsharray::Result<u64> {
    writer.write(&shape_of(id), &value(id))
}

fn is_forked<T>(result: Result<T, Error>) {
    match result {
        Err(Error::Forked) => {}
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was allowed"),
    }
}

/// Gives the parent of this process the opportunity to look.
fn done(step: &str) {
    say(step);
    listen().unwrap();
}

/// The first child, which forks others.
pub(super) fn parent(options: &Options, dir: &Path) {
    let options = options.clone().max_slots(3);
    let mut writer = options.create::<u64>(NAME).unwrap();
    let mut loan = writer.loan(&shape_of(1)).unwrap();
    loan.as_mut_slice().copy_from_slice(&value(1));
    in_child!({ drop(loan) });
    in_child!({ is_forked(loan.publish()) });
    assert_eq!(loan.publish().unwrap(), 1);
    done("loan");

    let mut keeper = options.open(NAME).unwrap();
    let mut borrower = options.open(NAME).unwrap();
    let owned = keeper.latest_owned().unwrap().unwrap();
    put(&mut writer, 2).unwrap();
    let borrowed = borrower.latest().unwrap().unwrap();
    put(&mut writer, 3).unwrap();
    for entry in fs::read_dir("/proc/self/fd").unwrap().map(Result::unwrap) {
        if fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(dir)) {
            let fd: i32 = entry.file_name().to_str().unwrap().parse().unwrap();
            // SAFETY: takes numbers.
            let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
            assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC, "whoever is executed would keep the locks");
        }
    }
    // All slots are taken: an owned sample holds one, a borrowed one another, and one is the
    // latest's. As long as a write is refused, none of them has been given back, and the locks
    // behind them are held.
    let mut all_is_well = |step: &str| {
        assert!(matches!(put(&mut writer, 4), Err(Error::AllSlotsPinned { slots: 3, .. })), "after {step}");
        assert_eq!((owned.name(), borrowed.name()), (1, 2));
        done(step);
    };
    all_is_well("nothing");
    in_child!({});
    all_is_well("exit");
    in_child!({ drop((borrowed, owned, keeper, writer)) });
    all_is_well("drop");
    in_child!({
        is_forked(put(&mut writer, 4));
        is_forked(writer.loan(&[1]));
        is_forked(keeper.latest());
        is_forked(keeper.read());
        is_forked(keeper.latest_owned());
        is_forked(keeper.read_owned());
        is_forked(keeper.wait(Duration::ZERO));
        is_forked(keeper.wait_owned(Duration::ZERO));
        is_forked(wait_any(&mut [&mut keeper], Duration::MAX));
        #[cfg(feature = "async")]
        {
            is_forked(keeper.news_fd());
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let std::task::Poll::Ready(changed) = keeper.poll_changed(&mut context) else { panic!("it is waited for") };
            is_forked(changed);
        }
        is_forked(keeper.read_into(&mut Vec::<u64>::new()));
        // Views belong to the parent, which holds them.
        assert_eq!((owned.clone().name(), borrowed.name(), borrowed.into_owned().name()), (1, 2, 2));
    });
    all_is_well("use");
    in_child!({ of_its_own(&options) });
    all_is_well("own");
    // And a child of a child.
    in_child!({
        in_child!({
            is_forked(put(&mut writer, 4));
            is_forked(keeper.latest());
            drop((borrowed, owned, keeper, writer));
            of_its_own(&options);
        });
        of_its_own(&options);
    });
    all_is_well("nest");
    if fork() == 0 {
        say("lingers");
        while listen().is_some() {}
        end(true);
    }
    // The child has the input from here on; this process is killed.
    loop {
        std::thread::park();
    }
}

/// What a forked child may do: have handles of its own.
fn of_its_own(options: &Options) {
    let mut reader = options.open(NAME).unwrap();
    assert_eq!(reader.latest().unwrap().unwrap().name(), 3);
    let owned = reader.latest_owned().unwrap().unwrap();
    drop(reader);
    assert_eq!(owned.name(), 3);
    assert!(matches!(options.create::<u64>(NAME), Err(Error::WriterExists { .. })));
    let mut writer = options.create::<u64>("other").unwrap();
    let mut reader = options.open("other").unwrap();
    for id in 1..10 {
        put(&mut writer, id).unwrap();
        assert_eq!(reader.read().unwrap().unwrap().name(), id);
    }
}

// What follows forks for tests of a binary with a harness. It does so in a peer, since a thread of
// another test could hold a lock at the fork, of the unwinder for one, that the child would wait
// for in vain. In a peer with a harness the only other thread waits for this one.

/// Has a forked child try to fill its parent's loans.
pub(super) fn loan(options: &Options) {
    let mut writer = options.create::<u8>(NAME).unwrap();
    let mut loan = writer.loan(&[4]).unwrap();
    loan.as_mut_slice().fill(1);
    let other = options.create_any("other").unwrap();
    let mut owned = other.into_loan(DType::U8, &[4]).unwrap();
    owned.as_mut_bytes().fill(1);
    // SAFETY: the child does nothing but what follows, and ends without returning.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // The panic is expected.
        std::panic::set_hook(Box::new(|_| {}));
        let filled = catch_unwind(AssertUnwindSafe(|| loan.as_mut_slice().fill(2)));
        owned.as_mut_bytes().fill(2);
        end(filled.is_err() && owned.as_mut_bytes().is_empty() && loan.publish().is_err());
    }
    wait_for(child);
    assert_eq!(loan.as_mut_slice(), [1; 4]);
    assert_eq!(owned.as_mut_bytes(), [1; 4]);
    loan.publish().unwrap();
    owned.publish().unwrap();
}

/// Has a forked child try its parent's array, and unlink the name through a handle of its own.
pub(super) fn array(options: &ArrayOptions) {
    let array: SharedArray<u32> = options.create("array", &[2]).unwrap();
    let guard = array.write().unwrap();
    // SAFETY: the child does nothing but what follows, and ends without returning.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let forked = |result: Result<(), Error>| matches!(result, Err(Error::Forked));
        let open = || options.open::<u32>("array").unwrap();
        let refused = forked(array.try_read().map(drop))
            && forked(array.try_write().map(drop))
            && forked(array.clear_poison())
            && forked(open().unlink().and_then(|()| array.is_poisoned().map(drop)));
        drop(guard);
        drop(array);
        end(refused);
    }
    wait_for(child);
    drop(guard);
    // The name is gone. This handle goes on, and its lock was left alone.
    assert!(array.try_write().unwrap().is_some());
    assert!(!array.is_poisoned().unwrap());
}

/// Has a forked child try its parent's writer in Python's format.
pub(super) fn compat(options: &compat::Options) {
    let mut writer = options.create::<i32>(NAME).unwrap();
    writer.write(&[1], &[1]).unwrap();
    // SAFETY: the child does nothing but what follows, and ends without returning.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let refused = matches!(writer.write(&[1], &[2]), Err(Error::Forked));
        drop(writer);
        end(refused);
    }
    wait_for(child);
    writer.write(&[1], &[3]).unwrap();
    let value = options.open(NAME).unwrap().read().unwrap().expect("a new value");
    assert_eq!(value.view::<i32>().unwrap().as_slice(), [3]);
}

/// Has a forked child try a reader that its parent's watcher watches.
#[cfg(feature = "async")]
pub(super) fn watched(options: &Options) {
    use std::task::{Context, Poll, Waker};

    let mut writer = options.create::<u64>(NAME).unwrap();
    let [mut task, mut polled, idle] = std::array::from_fn(|_| options.open(NAME).unwrap());
    let mut context = Context::from_waker(Waker::noop());
    assert!(task.poll_changed(&mut context).is_pending());
    let fd = polled.news_fd().unwrap();
    // SAFETY: the child does nothing but what follows, and ends without returning. The watcher may
    // hold a lock that it would wait for, which no step of it may.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let mut refused = matches!(task.poll_changed(&mut context), Poll::Ready(Err(Error::Forked)))
            && matches!(polled.news_fd(), Err(Error::Forked))
            && matches!(idle.news_fd(), Err(Error::Forked));
        refused &= polled.read().map_or(true, |read| read.is_none());
        drop((task, polled, fd));
        // A reader of its own has a watcher of its own.
        let mut own = options.open(NAME).unwrap();
        refused &= own.poll_changed(&mut context).is_pending();
        say("forked");
        refused &= crate::common::block_on(own.changed()).is_ok();
        end(refused && own.read().unwrap().is_some());
    }
    assert_eq!(listen().as_deref(), Some("go on"));
    put(&mut writer, 1).unwrap();
    wait_for(child);
    // Nothing of the parent's has changed.
    crate::common::block_on(task.changed()).unwrap();
    assert!(task.read().unwrap().is_some() && polled.read().unwrap().is_some());
}
