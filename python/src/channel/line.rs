//! The order in which waiting threads get the writer.

use crate::fork::own::unpoisoned;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ThreadId};

/// Returns a number that no other call returns.
#[inline]
pub(super) fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Relaxed: each number is given once, and nothing else is asked.
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Threads that wait for their turn, the next one first.
///
/// Without it, a thread that writes in a loop gets the writer again before those that it has woken
/// run.
#[derive(Default)]
pub(super) struct Line(Mutex<VecDeque<(ThreadId, u64)>>);

impl Line {
    /// Joins the line. To close the writer, joins at its front, as no turn comes after that.
    pub(super) fn join(&self, in_front: bool) -> InLine<'_> {
        let place = (thread::current().id(), next_number());
        let mut waiting = unpoisoned(&self.0);
        if in_front {
            waiting.push_front(place);
        } else {
            waiting.push_back(place);
        }
        InLine { line: self, number: place.1 }
    }

    /// Returns whether no other thread waits before `place`, or at all if that is `None`.
    ///
    /// A signal's handler does not wait for the thread that it interrupts.
    pub(super) fn is_first(&self, place: Option<&InLine<'_>>) -> bool {
        let number = place.map(|place| place.number);
        let waiting = unpoisoned(&self.0);
        let mut before = waiting.iter().take_while(|(_, other)| Some(*other) != number);
        before.all(|(thread, _)| *thread == thread::current().id())
    }
}

/// A place in a [`Line`], which its drop gives up.
pub(super) struct InLine<'a> {
    line: &'a Line,
    number: u64,
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        unpoisoned(&self.line.0).retain(|(_, number)| *number != self.number);
    }
}
