//! A pipe that tells the parent when its child has copied.

use std::io::{PipeReader, PipeWriter};

pub(super) struct Pipe {
    reader: PipeReader,
    writer: PipeWriter,
}

/// The parent's end: it reads the end of the pipe.
pub(super) struct Child(PipeReader);

impl Pipe {
    /// Makes a pipe; `None` when the system has no more descriptors.
    pub(super) fn new() -> Option<Self> {
        let (reader, writer) = std::io::pipe().ok()?;
        Some(Self { reader, writer })
    }

    /// Closes the child's end, of which the child has a copy.
    pub(super) fn parent(self) -> Child {
        Child(self.reader)
    }

    /// Leaves the child's end open as long as the process lives.
    pub(super) fn leave_open(self) {
        std::mem::forget(self.writer);
    }
}

impl Child {
    /// Drops `keeps` once no process has the child's end.
    #[cfg(unix)]
    pub(super) fn keep_until_the_end<T: Send + 'static>(self, keeps: T) {
        if end::wait(&self.0, Some(end::MOMENT)) {
            return;
        }
        end::wait_elsewhere(self.0, keeps);
    }

    /// Does nothing: this system has no forks.
    #[cfg(not(unix))]
    pub(super) fn keep_until_the_end<T: Send + 'static>(self, _keeps: T) {}
}

#[cfg(unix)]
mod end {
    use crate::fork::own::unpoisoned;
    use std::io::PipeReader;
    use std::mem::MaybeUninit;
    use std::os::fd::AsRawFd;
    use std::ptr;
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    /// The longest wait of the forking thread itself. It spares most programs a second thread.
    pub(super) const MOMENT: Duration = Duration::from_millis(100);

    /// Waits until all copies of the other end are closed; returns whether they are.
    pub(super) fn wait(reader: &PipeReader, most: Option<Duration>) -> bool {
        let until = most.map(|most| Instant::now() + most);
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()).as_millis());
            let mut asked = libc::pollfd { fd: reader.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            let timeout = left.map_or(-1, |left| i32::try_from(left).unwrap_or(i32::MAX));
            // SAFETY: one descriptor, which stays open as `reader` is borrowed.
            let answered = unsafe { libc::poll(&raw mut asked, 1, timeout) };
            // Nothing is ever written, so an answer is the end. An error says nothing.
            if answered > 0 {
                return true;
            }
            if left == Some(0) {
                return false;
            }
        }
    }

    /// Waits in a thread that runs no Python code and takes no signals.
    pub(super) fn wait_elsewhere<T: Send + 'static>(reader: PipeReader, keeps: T) {
        // Shared, so that it is still here if the system has no thread left.
        let rest = Arc::new(Mutex::new(Some((reader, keeps))));
        let wait_for_rest = {
            let rest = Arc::clone(&rest);
            move || {
                let taken = unpoisoned(&rest).take();
                if let Some((reader, keeps)) = taken {
                    wait(&reader, None);
                    drop(keeps);
                }
            }
        };
        let mut before = MaybeUninit::<libc::sigset_t>::uninit();
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: fills a set that there is memory for.
        unsafe { libc::sigfillset(all.as_mut_ptr()) };
        // SAFETY: the first set is filled, and there is memory for the second.
        let blocked = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) } == 0;
        let started = std::thread::Builder::new().name("ndsharray-fork".into()).spawn(wait_for_rest.clone());
        if blocked {
            // SAFETY: the call above has filled the set.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
        }
        if started.is_err() {
            wait_for_rest();
        }
    }
}
