//! A thousand channels, awaited by one task.

use crate::common::block_on;
use ndsharray::{Options, Reader, Writer};
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

/// Descriptors of a channel with its writer and a reader, and some for all else.
const OF_A_CHANNEL: usize = 3;
const OF_THE_REST: usize = 64;

/// Threads that watch, at most. With the two of the test's harness there are ten; a sanitizer has
/// one of its own.
const THREADS: usize = 8;

/// Waits for so many channels in one task, and counts the threads.
pub(super) fn wait(options: &Options, channels: usize) {
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    let descriptors = super::limits::raise_descriptors().unwrap();
    let channels = channels.min(descriptors.saturating_sub(OF_THE_REST) / OF_A_CHANNEL);
    let name = |i: usize| format!("channel-{i}");
    let mut writers: Vec<Writer<u32>> = (0..channels).map(|i| options.create(&name(i)).unwrap()).collect();
    let mut readers: Vec<Reader> = (0..channels).map(|i| options.open(&name(i)).unwrap()).collect();
    let mut context = Context::from_waker(Waker::noop());
    for round in 1..=2 {
        assert!(readers.iter_mut().all(|reader| reader.poll_changed(&mut context).is_pending()));
        let threads = threads() - before;
        assert!((1..=THREADS).contains(&threads), "{threads} threads for {channels} channels");
        let mut waiting: Vec<&mut Reader> = readers.iter_mut().collect();
        // The last ones first, so that no order makes it easy.
        let mut writing = writers.iter_mut().rev();
        block_on(poll_fn(|context| {
            waiting.retain_mut(|reader| match reader.poll_changed(context) {
                Poll::Pending => true,
                Poll::Ready(changed) => {
                    changed.unwrap();
                    assert_eq!(reader.read().unwrap().unwrap().view::<u32>().unwrap()[[]], round);
                    false
                }
            });
            for writer in writing.by_ref().take(100) {
                writer.write(&[], &[round]).unwrap();
            }
            if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        }));
    }
}
