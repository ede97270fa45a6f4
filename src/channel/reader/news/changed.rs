//! Waiting as a future.

use super::watch::Arming;
use crate::channel::reader::Reader;
use crate::channel::reader::deadline::{SLICE, WRITER_SLICE};
use crate::channel::reader::look::{Known, Look};
use crate::error::{Error, Result};
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Instant;

/// Looks of one poll, at a board that does not come to rest.
const LOOKS: u32 = 16;

impl Reader {
    /// Completes when a value newer than the last one read is current; then [`read`](Self::read)
    /// it.
    ///
    /// With any executor: one thread of this library sleeps in the place of all its tasks. Dropping
    /// the future ends the wait, and nothing is lost by it. As [`wait`](Self::wait), it goes on
    /// when the writer dies. [Wakers](Self::waker) do not end it.
    ///
    /// Available with the feature `async`.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] once for each close, and [`Error::WriterGone`], as [`wait`](Self::wait);
    /// [`Error::Io`] when the thread cannot be started.
    ///
    /// ```
    /// # fn main() -> ndsharray::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let options = ndsharray::Options::new().dir(dir.path());
    /// # let mut writer = options.create::<f32>("doc-changed")?;
    /// # writer.write(&[1], &[1.0])?;
    /// async fn next(reader: &mut ndsharray::Reader) -> ndsharray::Result<f32> {
    ///     loop {
    ///         reader.changed().await?;
    ///         if let Some(sample) = reader.read()? {
    ///             return Ok(sample.view::<f32>()?[[0]]);
    ///         }
    ///     }
    /// }
    /// # let mut reader = options.open("doc-changed")?;
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert!(std::pin::pin!(next(&mut reader)).poll(&mut context).is_ready());
    /// # Ok(())
    /// # }
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "async")))]
    pub async fn changed(&mut self) -> Result<()> {
        poll_fn(|context| self.poll_changed(context)).await
    }

    /// [`changed`](Self::changed), for futures and streams written by hand.
    ///
    /// The task of the last poll is woken. It may be woken for nothing, and then polls again.
    ///
    /// # Errors
    ///
    /// As [`changed`](Self::changed).
    #[cfg_attr(docsrs, doc(cfg(feature = "async")))]
    pub fn poll_changed(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.at.check_process()?;
        for _ in 0..LOOKS {
            let now = Instant::now();
            let has_moved = self.news.get().is_some_and(super::watch::Watch::take_move);
            let known = match self.look(now, has_moved || now >= self.next_look, SLICE)? {
                Look::News => return Poll::Ready(Ok(())),
                Look::Moved => continue,
                Look::Closed(known) => {
                    self.close_told = known.epoch;
                    self.settle();
                    return Poll::Ready(Err(self.closed()));
                }
                Look::Nothing(known) => known,
            };
            if self.end_with_writer && self.is_orphaned() {
                return Poll::Ready(Err(Error::WriterGone { name: self.name().to_owned() }));
            }
            self.news.make().map_err(|error| self.no_watcher(error))?;
            if self.news.arm(&self.arming(known, true), context.waker()) {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    pub(super) fn no_watcher(&self, error: std::io::Error) -> Error {
        Error::io("start a thread to watch", &self.location.board(), error)
    }

    /// What the watcher must know of this reader.
    pub(super) fn arming(&self, known: Known, sees_moves: bool) -> Arming<'_> {
        Arming {
            at: &self.at,
            seen: self.seen,
            known,
            told: [self.close_told, self.close_shown],
            sees_moves,
            next_death: self.end_with_writer.then(|| Instant::now() + WRITER_SLICE),
            next_look: Instant::now() + if known.is_gone() { SLICE / 10 } else { SLICE },
        }
    }
}
