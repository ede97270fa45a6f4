//! Sleeping on many channels at once: no wake-up is lost, whichever channel it comes by.

use super::{Channel, Flaw, LOST_WAKEUP, Model, Pair, Writer};
use crate::event_count::EventCount;
use crate::sync::{AtomicU32, Ordering};
use loom::sync::{Condvar, Mutex};
use std::sync::Arc;

/// Channels that the reader waits for.
const CHANNELS: usize = 2;

/// The kernel's wait on several words: it compares each under the lock that a wake-up also takes.
///
/// The real one does so word by word. It finds a word that is changed meanwhile, as it is on that
/// word's list by then.
struct Futex {
    /// The words that the reader sleeps on.
    slept_on: Mutex<[bool; CHANNELS]>,
    woken: Condvar,
}

impl Futex {
    fn wait_any(&self, words: &[(usize, &AtomicU32, u32)]) {
        let mut slept_on = self.slept_on.lock().unwrap();
        // Relaxed: the lock is all the order that the kernel gives.
        if words.iter().any(|(_, word, ticket)| word.load(Ordering::Relaxed) != *ticket) {
            return;
        }
        for (index, _, _) in words {
            slept_on[*index] = true;
        }
        *self.woken.wait(slept_on).unwrap() = [false; CHANNELS];
    }

    fn wake_all(&self, index: usize) {
        if self.slept_on.lock().unwrap()[index] {
            self.woken.notify_all();
        }
    }
}

/// What lies in the shared memory of all channels.
struct Boards {
    channels: [Arc<Channel<Pair>>; CHANNELS],
    asleep: [AtomicU32; CHANNELS],
    wake: [AtomicU32; CHANNELS],
    futex: Futex,
}

impl Boards {
    fn new() -> Arc<Self> {
        let futex = Futex { slept_on: Mutex::new([false; CHANNELS]), woken: Condvar::new() };
        Arc::new(Self {
            channels: std::array::from_fn(|_| Channel::new(2, 0, 0)),
            asleep: std::array::from_fn(|_| AtomicU32::new(0)),
            wake: std::array::from_fn(|_| AtomicU32::new(0)),
            futex,
        })
    }

    fn event_count(&self, index: usize) -> EventCount<'_> {
        EventCount { asleep: &self.asleep[index], wake: &self.wake[index] }
    }

    /// Publishes a value and has the sleepers woken, if there are any.
    fn publish(&self, index: usize, flaw: Flaw) {
        let mut writer = Writer::new(&self.channels[index], flaw);
        assert!(writer.publish());
        if self.event_count(index).notify().is_some() {
            self.futex.wake_all(index);
        }
    }

    /// Reader: sleeps until each channel has its value.
    fn sleep_for_all(&self, flaw: Flaw) {
        let mut seen = [0; CHANNELS];
        while seen.contains(&0) {
            let mut has_news = false;
            for (channel, seen) in self.channels.iter().zip(&mut seen) {
                let now = channel.reader_side().latest().number();
                has_news |= now > *seen;
                *seen = now;
            }
            if has_news {
                continue;
            }
            let mut tickets = std::array::from_fn::<_, CHANNELS, _>(|index| {
                let count = self.event_count(index);
                let ticket = count.ticket();
                if index == 0 || flaw != Flaw::AnnouncesOnOne {
                    count.announce();
                }
                ticket
            });
            let looks = if flaw == Flaw::LooksAtOne { 1 } else { CHANNELS };
            let is_new = |index: usize| self.channels[index].reader_side().latest_before_sleep().number() > seen[index];
            if (0..looks).any(is_new) {
                continue;
            }
            if flaw == Flaw::TicketsAfterLooks {
                tickets = std::array::from_fn(|index| self.event_count(index).ticket());
            }
            let words = std::array::from_fn::<_, CHANNELS, _>(|index| (index, &self.wake[index], tickets[index]));
            let words = if flaw == Flaw::SleepsOnOne { &words[..1] } else { &words };
            self.futex.wait_any(words);
        }
    }
}

/// A reader waits for two channels, which one thread writes, or two.
fn wait_for_all(writers: usize, flaw: Flaw) {
    let boards = Boards::new();
    let reader = {
        let boards = Arc::clone(&boards);
        loom::thread::spawn(move || boards.sleep_for_all(flaw))
    };
    let other = (writers == 2).then(|| {
        let boards = Arc::clone(&boards);
        loom::thread::spawn(move || boards.publish(1, flaw))
    });
    boards.publish(0, flaw);
    match other {
        Some(other) => other.join().unwrap(),
        None => boards.publish(1, flaw),
    }
    reader.join().unwrap();
}

#[test]
fn a_sleeper_on_many_channels() {
    for (writers, preemptions) in [(1, 4), (2, 3)] {
        println!("{writers} writers");
        Model { name: "sleep on many", preemptions, scenario: move |flaw| wait_for_all(writers, flaw) }
            .holds()
            .rejects(Flaw::AnnouncesOnOne, LOST_WAKEUP)
            .rejects(Flaw::LooksAtOne, LOST_WAKEUP)
            .rejects(Flaw::SleepsOnOne, LOST_WAKEUP)
            .rejects(Flaw::TicketsAfterLooks, LOST_WAKEUP);
    }
}
