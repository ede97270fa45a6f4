//! How far a relay may be ahead of its receiver.
//!
//! A line of its own is never a stale queue, nor memory without bound: a relay sends no more than
//! its receiver has taken, but for a little.

use crate::carrier::{Answer, Host};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// The most messages on their way.
pub(crate) const MAX_MESSAGES: usize = 64;
/// Bytes on their way from which on two messages are the most.
pub(crate) const MAX_BYTES: u64 = 4 << 20;
/// A message with more bytes asks for an answer.
const SMALL: u64 = 1 << 16;
/// So does each message with a count that this divides. Together with the two limits above it keeps
/// a full window from waiting for an answer that no message has asked for.
const EACH: u64 = 16;
/// How long a full window waits for an answer before it takes it for lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// The windows of all relays, for the carrier's threads.
#[derive(Default)]
pub(super) struct Windows(Mutex<HashMap<(String, Host), Weak<Window>>>);

impl Windows {
    pub(super) fn add(&self, channel: &str, receiver: &Host, window: &Arc<Window>) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.retain(|_, window| window.strong_count() > 0);
        windows.insert((channel.to_owned(), receiver.clone()), Arc::downgrade(window));
    }

    pub(super) fn answer(&self, channel: String, receiver: Host, answer: Answer) {
        let windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.get(&(channel, receiver)).and_then(Weak::upgrade);
        drop(windows);
        if let Some(window) = window {
            window.answer(answer.relay, answer.count);
        }
    }
}

/// What is on its way.
#[derive(Default)]
pub(crate) struct Window {
    state: Mutex<OnTheWay>,
    changed: Condvar,
}

#[derive(Default)]
struct OnTheWay {
    relay: u64,
    /// Count and bytes of each message that is not answered.
    messages: VecDeque<(u64, u64)>,
    bytes: u64,
    stopped: bool,
}

impl OnTheWay {
    fn is_full(&self) -> bool {
        self.messages.len() >= MAX_MESSAGES || (self.bytes >= MAX_BYTES && self.messages.len() >= 2)
    }
}

/// What a wait for room ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// There is some.
    Free,
    /// No answer came in time: what was on its way is taken for lost.
    Unanswered,
    /// The relay is to end.
    Stopped,
}

impl Window {
    /// Whether message `count` of `bytes` is to be answered.
    pub(crate) fn wants_answer(count: u64, bytes: u64) -> bool {
        bytes > SMALL || count.is_multiple_of(EACH)
    }

    /// Begins anew for a relay.
    pub(crate) fn begin(&self, relay: u64) {
        let mut state = self.lock();
        (state.relay, state.bytes) = (relay, 0);
        state.messages.clear();
    }

    /// Notes a message that is about to be sent.
    pub(crate) fn send(&self, count: u64, bytes: u64) {
        let mut state = self.lock();
        state.messages.push_back((count, bytes));
        state.bytes = state.bytes.saturating_add(bytes);
    }

    /// Notes that all up to `count` have arrived.
    pub(crate) fn answer(&self, relay: u64, count: u64) {
        let mut state = self.lock();
        if state.relay != relay {
            return;
        }
        while let Some(&(sent, bytes)) = state.messages.front()
            && sent <= count
        {
            state.messages.pop_front();
            state.bytes = state.bytes.saturating_sub(bytes);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Whether all that was sent has been answered.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().messages.is_empty()
    }

    /// Waits until one more may be sent.
    pub(crate) fn wait(&self) -> Room {
        let end = Instant::now() + PATIENCE;
        let mut state = self.lock();
        loop {
            if state.stopped {
                return Room::Stopped;
            }
            if !state.is_full() {
                return Room::Free;
            }
            let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                state.messages.clear();
                state.bytes = 0;
                return Room::Unanswered;
            };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Sleeps until `end`, or until the relay is to end; returns whether it is.
    pub(crate) fn sleep_until(&self, end: Instant) -> bool {
        let mut state = self.lock();
        while !state.stopped
            && let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
        {
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.stopped
    }

    /// Has the relay end.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, OnTheWay> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn large_messages_go_two_at_a_time() {
        let window = Window::default();
        window.begin(7);
        window.send(1, 30 << 20);
        assert_eq!(window.wait(), Room::Free);
        window.send(2, 30 << 20);
        assert!(window.lock().is_full());
        window.answer(6, 2);
        assert!(window.lock().is_full(), "another relay's answer");
        window.answer(7, 1);
        assert_eq!(window.wait(), Room::Free);
        window.stop();
        assert_eq!(window.wait(), Room::Stopped);
        assert!(window.sleep_until(Instant::now() + PATIENCE));
    }

    proptest! {
        /// A receiver that answers nothing but what it is asked to answer never stops the relay.
        #[test]
        fn a_full_window_waits_for_an_answer_that_was_asked_for(sizes in prop::collection::vec(0_u64..200_000, 1..300)) {
            let window = Window::default();
            window.begin(1);
            for (count, bytes) in (1..).zip(sizes) {
                window.send(count, bytes);
                if Window::wants_answer(count, bytes) {
                    window.answer(1, count);
                }
                prop_assert!(!window.lock().is_full());
            }
        }
    }
}
