//! Values on their way to the disk.

use super::recorder::Taken;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Buffers that are kept for values to come.
const SPARE: usize = 32;

/// A queue with room for so many bytes, between one thread that takes values and one that keeps
/// them.
pub(crate) struct Queue {
    limit: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    values: VecDeque<Taken>,
    bytes: usize,
    /// Memory of values that have been written: new memory would have to be cleared first.
    spare: Vec<Vec<u8>>,
    is_over: bool,
}

impl Queue {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Adds a value, and waits until there is room for it; false once the other side has ended.
    pub(crate) fn push(&self, value: Taken) -> bool {
        let len = value.message.as_bytes().len();
        let mut state = self.lock();
        // A value that is larger than the queue goes alone.
        while !state.is_over && state.bytes > 0 && state.bytes.saturating_add(len) > self.limit {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_over {
            return false;
        }
        state.bytes += len;
        state.values.push_back(value);
        self.changed.notify_all();
        true
    }

    /// Takes the next value; `None` after `time` without one.
    ///
    /// The value counts until its memory is [given back](Self::give_back).
    pub(crate) fn pop(&self, time: Duration) -> Option<Taken> {
        let is_waiting = |state: &mut State| state.values.is_empty() && !state.is_over;
        let waited = self.changed.wait_timeout_while(self.lock(), time, is_waiting);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.values.pop_front()
    }

    /// Gives back the memory of a value that has been written.
    pub(crate) fn give_back(&self, value: Taken) {
        let room = value.message.into_room();
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(room.len());
        if state.spare.len() < SPARE {
            state.spare.push(room);
        }
        self.changed.notify_all();
    }

    /// Memory for another value.
    pub(crate) fn room(&self) -> Vec<u8> {
        self.lock().spare.pop().unwrap_or_default()
    }

    /// Ends it: nothing more comes, or nothing more is kept.
    pub(crate) fn end(&self) {
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    /// Whether it has ended; values may be left in it.
    pub(crate) fn is_over(&self) -> bool {
        self.lock().is_over
    }

    /// Whether it has ended, and is empty.
    pub(crate) fn is_done(&self) -> bool {
        let state = self.lock();
        state.is_over && state.values.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::elements::Elements;
    use super::super::message::Message;
    use super::super::note::Note;
    use super::*;
    use ndsharray::DType;

    fn value(byte: u8) -> Taken {
        let elements = Elements::Plain(DType::U8.into());
        let message = Message::encode(Vec::new(), &elements, &[1000], &[byte; 1000], b"", &Note::default()).unwrap();
        Taken { channel: 0, elements, shape: vec![1000], note: Note::default(), log_time: 0, message }
    }

    #[test]
    fn a_full_queue_waits_until_memory_comes_back() {
        let queue = Queue::new(2500);
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| (0..50).map(|byte| queue.push(value(byte))).collect::<Vec<_>>());
            for byte in 0..50 {
                let Some(value) = std::iter::repeat_with(|| queue.pop(Duration::from_secs(1))).flatten().next() else {
                    panic!("a value comes")
                };
                assert_eq!(value.message.elements()[0], byte);
                assert!(queue.lock().bytes <= 2500);
                queue.give_back(value);
            }
            assert_eq!(taker.join().unwrap(), [true; 50]);
        });
        assert_eq!(queue.lock().bytes, 0);
        assert!(queue.room().capacity() > 1000 && queue.pop(Duration::ZERO).is_none() && !queue.is_done());
        queue.end();
        assert!(!queue.push(value(0)) && queue.is_done());
    }
}
