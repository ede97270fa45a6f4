//! A descriptor that is readable while there are news.

use crate::channel::reader::Reader;
use crate::channel::reader::look::Known;
use crate::error::{Error, Result};
use crate::sys::ReadyFd;
use ndsharray_protocol::channel::{Standing, State};
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;

/// Attempts at a board that does not come to rest.
const LOOKS: u32 = 16;

/// A descriptor that is readable while its reader has news; made by [`Reader::news_fd`].
///
/// For `poll`, `epoll`, `kqueue` and event loops. It is to be waited for, not to be read from or
/// written to: reading from the *reader* resets it. It is closed when it is dropped and no other
/// of the same reader is left.
///
/// Available with the feature `async`, on Unix.
#[cfg_attr(docsrs, doc(cfg(all(unix, feature = "async"))))]
pub struct NewsFd(Arc<ReadyFd>);

impl AsFd for NewsFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for NewsFd {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl fmt::Debug for NewsFd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NewsFd").field(&self.as_raw_fd()).finish()
    }
}

impl Reader {
    /// A descriptor that is readable exactly while this reader has news.
    ///
    /// News are a value newer than the last one read, or a close that has been neither returned as
    /// [`Error::Closed`] nor met by a [`read`](Self::read) that found nothing. So a loop waits
    /// until the descriptor is readable, then calls [`read`](Self::read); when that returns `None`,
    /// it may ask [`is_closed`](Self::is_closed). Each way to read or to wait resets the descriptor
    /// as soon as there is nothing more.
    ///
    /// All descriptors of a reader are one. While there is one, each read costs some system calls
    /// more.
    ///
    /// Available with the feature `async`, on Unix.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`] when this process has no descriptor left; [`Error::Io`] when the
    /// thread that watches cannot be started; [`Error::Forked`] in a forked child, which would
    /// share the descriptor with its parent.
    ///
    /// ```
    /// # use std::os::fd::{AsFd, AsRawFd};
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let options = ndsharray::Options::new().dir(dir.path());
    /// # let mut writer = options.create::<f32>("doc-fd")?;
    /// # let mut reader = options.open("doc-fd")?;
    /// let fd = reader.news_fd()?;
    /// # writer.write(&[1], &[1.0])?;
    /// let mut polled = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    /// // SAFETY: one struct, which lives during the call, with a descriptor that is open.
    /// while unsafe { libc::poll(&raw mut polled, 1, -1) } != 1 {}
    /// assert!(reader.read()?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    #[cfg_attr(docsrs, doc(cfg(all(unix, feature = "async"))))]
    pub fn news_fd(&self) -> Result<NewsFd> {
        self.at.check_process()?;
        let watch = self.news.make().map_err(|error| self.no_watcher(error))?;
        let no_fd = |error| Error::io("make a descriptor for", &self.location.board(), error);
        let fd = watch.lock().fd().map_err(no_fd)?;
        self.at.watch_reads();
        self.set_fd(self.calm == Standing::UNKNOWN);
        Ok(NewsFd(fd))
    }

    /// Sets the descriptor or clears it; with nothing new the watcher goes on.
    pub(super) fn set_fd(&self, sees_moves: bool) {
        let Some(watch) = self.news.get() else { return };
        let mut watched = watch.lock();
        for _ in 0..LOOKS {
            if !watched.has_fd() {
                return;
            }
            let epoch = self.at.board().epoch();
            let standing = self.at.board().standing();
            let is_close_new = standing.state() != State::Open && ![self.close_told, self.close_shown].contains(&epoch);
            if self.at.latest() != self.seen || is_close_new {
                watched.set_fd();
                return;
            }
            watched.clear_fd();
            if watched.arm(&self.arming(Known { standing, epoch }, sees_moves)) {
                drop(watched);
                self.news.ring();
                return;
            }
        }
        watched.set_fd();
    }
}
