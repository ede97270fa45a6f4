//! Values as a stream.

use crate::channel::reader::{OwnedSample, Reader};
use crate::error::{Error, Result};
use futures_core::Stream;
use futures_core::stream::FusedStream;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The values of a channel as a stream; made by [`Reader::into_stream`].
///
/// Available with the feature `async`.
#[cfg_attr(docsrs, doc(cfg(feature = "async")))]
#[must_use = "streams do nothing unless polled"]
pub struct NewsStream {
    reader: Reader,
    is_over: bool,
}

impl Reader {
    /// The values to come as a stream of owned samples, which ends when the channel is closed.
    ///
    /// A value that is current already comes first. A consumer slower than the writer gets the
    /// latest value each time, and misses others. A reader opened with
    /// [`from_oldest`](crate::Options::from_oldest) or [`lossless`](crate::Options::lossless) gets
    /// the values in order, as from [`read_next`](Self::read_next).
    ///
    /// Available with the feature `async`.
    #[cfg_attr(docsrs, doc(cfg(feature = "async")))]
    pub fn into_stream(self) -> NewsStream {
        NewsStream { reader: self, is_over: false }
    }
}

impl NewsStream {
    /// The reader, which goes on where the stream has come to.
    #[must_use]
    pub fn into_reader(self) -> Reader {
        self.reader
    }
}

impl Stream for NewsStream {
    type Item = Result<OwnedSample>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        // Twice: a value may go with its channel between the two steps.
        for _ in 0..2 {
            match ready!(self.reader.poll_changed(context)) {
                Ok(()) => {}
                Err(Error::Closed { .. }) => {
                    self.is_over = true;
                    return Poll::Ready(None);
                }
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            let reader = &mut self.reader;
            let read = if reader.in_order { reader.read_next_owned() } else { reader.read_owned() };
            if let Some(read) = read.transpose() {
                return Poll::Ready(Some(read));
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl FusedStream for NewsStream {
    fn is_terminated(&self) -> bool {
        self.is_over
    }
}

impl fmt::Debug for NewsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewsStream").field("reader", &self.reader).field("is_over", &self.is_over).finish()
    }
}
