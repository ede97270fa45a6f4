//! Sleeping and waking: no wake-up is lost.

use super::{Channel, Flaw, LOST_WAKEUP, Latest, Model, Pair, Writer, dear, spawn};
use crate::channel::PinScan;
use crate::event_count::EventCount;
use crate::sync::{AtomicU32, Ordering, load_seqcst_u32};
use loom::sync::{Condvar, Mutex};
use std::sync::Arc;

/// The kernel's futex: it compares the word under the lock that a wake-up also takes.
struct Futex {
    queue: Mutex<()>,
    woken: Condvar,
}

impl Futex {
    fn wait(&self, word: &AtomicU32, ticket: u32) {
        let queue = self.queue.lock().unwrap();
        // Relaxed: the queue's lock is all the order that the kernel gives.
        if word.load(Ordering::Relaxed) == ticket {
            drop(self.woken.wait(queue));
        }
    }

    fn wake_all(&self) {
        let _queue = self.queue.lock().unwrap();
        self.woken.notify_all();
    }

    fn wake_one(&self) {
        let _queue = self.queue.lock().unwrap();
        self.woken.notify_one();
    }
}

/// What lies in shared memory for sleepers.
pub(super) struct Events {
    asleep: AtomicU32,
    wake: AtomicU32,
    futex: Futex,
}

impl Events {
    pub(super) fn new() -> Arc<Self> {
        let queue = Mutex::new(());
        let woken = Condvar::new();
        Arc::new(Self { asleep: AtomicU32::new(0), wake: AtomicU32::new(0), futex: Futex { queue, woken } })
    }

    pub(super) fn event_count(&self) -> EventCount<'_> {
        EventCount { asleep: &self.asleep, wake: &self.wake }
    }

    /// Sleeps while the wake word is `ticket`.
    pub(super) fn wait(&self, ticket: u32) {
        self.futex.wait(&self.wake, ticket);
    }

    /// Writer: has the sleepers woken, if there are any.
    pub(super) fn notify(&self, flaw: Flaw) {
        match flaw {
            Flaw::WeakNotify if self.asleep.load(Ordering::Acquire) == 0 => return,
            Flaw::WeakNotify => drop(self.event_count().notify_always()),
            Flaw::ChangesBeforeClearing | Flaw::KeepsWakeWord => {
                if load_seqcst_u32(&self.asleep) == 0 {
                    return;
                }
                if flaw == Flaw::ChangesBeforeClearing {
                    self.wake.fetch_add(1, Ordering::Release);
                }
                self.asleep.swap(0, Ordering::SeqCst);
            }
            _ if self.event_count().notify().is_some() => {}
            _ => return,
        }
        if flaw == Flaw::WakesOne {
            self.futex.wake_one();
        } else {
            self.futex.wake_all();
        }
    }
}

/// Reader: sleeps until the value `wanted` or a later one is current.
fn sleep_until(wanted: u64, channel: &Channel, events: &Events, flaw: Flaw) {
    let side = channel.reader_side();
    let count = events.event_count();
    let mut seen = 0;
    while seen < wanted {
        let now = side.latest().number();
        if now > seen {
            seen = now;
            continue;
        }
        let mut ticket = count.ticket();
        if flaw == Flaw::WeakSleep {
            events.asleep.store(1, Ordering::Release);
        } else {
            count.announce();
        }
        if flaw == Flaw::TicketAfterAnnouncement {
            ticket = count.ticket();
        }
        let now = match flaw {
            Flaw::NoLookBeforeSleep => Latest::NONE,
            Flaw::WeakSleep => side.latest(),
            _ => side.latest_before_sleep(),
        };
        if now.number() > seen {
            continue;
        }
        if flaw == Flaw::TicketAfterLook {
            ticket = count.ticket();
        }
        events.futex.wait(count.wake, ticket);
    }
}

/// Publishes one value; no reader pins here.
fn publish(writer: &mut Writer<'_>) {
    if writer.flaw == Flaw::WeakNotify {
        let claim = writer
            .candidates()
            .find_map(|slot| writer.channel.writer_side().claim(slot, &mut PinScan::default()))
            .unwrap();
        writer.number += 1;
        writer.latest = Latest::new(writer.number, claim.slot());
        writer.channel.latest.0.store(writer.latest.to_bits(), Ordering::Release);
    } else {
        assert!(writer.publish());
    }
}

/// Readers sleep until the last of `publications` values is there.
///
/// The writer claims `ahead` slots along with each.
fn sleep_and_wake(readers: usize, ahead: usize, publications: u64, flaw: Flaw) {
    let channel = Channel::<Pair>::new(2, 0, 0);
    let events = Events::new();
    let readers: Vec<_> = (0..readers)
        .map(|_| {
            let events = Arc::clone(&events);
            spawn(&channel, move |channel| sleep_until(publications, channel, &events, flaw))
        })
        .collect();
    let mut writer = Writer::new(&channel, flaw);
    writer.width = ahead;
    for _ in 0..publications {
        publish(&mut writer);
        events.notify(flaw);
    }
    for reader in readers {
        reader.join().unwrap();
    }
}

/// The last thing that the first writer does to the event count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Published,
    Cleared,
    Changed,
}

/// A writer publishes and dies while it notifies.
///
/// The next one wakes the sleepers, and publishes in its turn.
fn take_over_the_bell(last: Step, ahead: usize, flaw: Flaw) {
    let channel = Channel::<Pair>::new(2, 0, 0);
    let events = Events::new();
    let reader = {
        let events = Arc::clone(&events);
        spawn(&channel, move |channel| sleep_until(2, channel, &events, flaw))
    };
    let mut first = Writer::new(&channel, flaw);
    first.width = ahead;
    publish(&mut first);
    if last != Step::Published && load_seqcst_u32(&events.asleep) != 0 {
        events.asleep.swap(0, Ordering::SeqCst);
        if last == Step::Changed {
            events.wake.fetch_add(1, Ordering::Release);
        }
    }

    let mut second = Writer::inherit(&channel, flaw);
    second.width = ahead;
    if flaw == Flaw::NotifiesOnlyIfAsked {
        events.notify(flaw);
    } else {
        let _ = events.event_count().notify_always();
        events.futex.wake_all();
    }
    publish(&mut second);
    events.notify(flaw);
    reader.join().unwrap();
}

/// A board's `state`, as far as sleepers are concerned.
///
/// It lies in another file than the words of the event count.
const OPEN: u32 = 1;
const CLOSED: u32 = 2;

/// A reader sleeps until the channel is closed.
fn sleep_and_close(readers: usize, flaw: Flaw) {
    let channel = Channel::<Pair>::new(2, 0, 0);
    let events = Events::new();
    let state = Arc::new(AtomicU32::new(OPEN));
    let readers: Vec<_> = (0..readers)
        .map(|_| {
            let (events, state) = (Arc::clone(&events), Arc::clone(&state));
            spawn(&channel, move |_| {
                let count = events.event_count();
                // Acquire: as `StateWord::load`.
                let is_open = || state.load(Ordering::Acquire) == OPEN;
                while is_open() {
                    let ticket = count.ticket();
                    count.announce();
                    if flaw == Flaw::StateBeforeTicket || is_open() {
                        events.futex.wait(count.wake, ticket);
                    }
                }
            })
        })
        .collect();
    // Release: contained in the SeqCst of `StateWord::store`.
    let close = || state.store(CLOSED, Ordering::Release);
    if flaw == Flaw::NotifiesBeforeState {
        let _ = events.event_count().notify_always();
        close();
        events.futex.wake_all();
    } else if flaw == Flaw::WeakNotify {
        close();
        events.notify(flaw);
    } else {
        close();
        let _ = events.event_count().notify_always();
        events.futex.wake_all();
    }
    for reader in readers {
        reader.join().unwrap();
    }
}

#[test]
fn a_change_of_state_wakes_the_sleepers() {
    for readers in [1, 2] {
        let scenario = move |flaw| sleep_and_close(readers, flaw);
        Model { name: "state and event count", preemptions: 4, scenario }
            .holds()
            .rejects(Flaw::NotifiesBeforeState, LOST_WAKEUP)
            .rejects(Flaw::WeakNotify, LOST_WAKEUP)
            .rejects(Flaw::StateBeforeTicket, LOST_WAKEUP);
    }
}

#[test]
fn one_sleeper() {
    for ahead in [0, 1] {
        println!("{ahead} ahead");
        Model { name: "one sleeper", preemptions: 4 - ahead, scenario: move |flaw| sleep_and_wake(1, ahead, 2, flaw) }
            .holds()
            .rejects(Flaw::NoLookBeforeSleep, LOST_WAKEUP)
            .rejects(Flaw::TicketAfterAnnouncement, LOST_WAKEUP)
            .rejects(Flaw::TicketAfterLook, LOST_WAKEUP)
            .rejects(Flaw::ChangesBeforeClearing, LOST_WAKEUP)
            .rejects(Flaw::KeepsWakeWord, LOST_WAKEUP);
    }
    // The fence that goes with a publication hides the weaker orderings of these two where a slot
    // is claimed ahead.
    Model { name: "one sleeper", preemptions: 4, scenario: |flaw| sleep_and_wake(1, 0, 2, flaw) }
        .rejects(Flaw::WeakSleep, LOST_WAKEUP)
        .rejects(Flaw::WeakNotify, LOST_WAKEUP);
}

#[test]
fn two_sleepers() {
    for ahead in [0, 1] {
        println!("{ahead} ahead");
        Model { name: "two sleepers", preemptions: dear(3), scenario: move |flaw| sleep_and_wake(2, ahead, 2, flaw) }
            .holds()
            .rejects(Flaw::NoLookBeforeSleep, LOST_WAKEUP)
            .rejects(Flaw::WakesOne, LOST_WAKEUP);
    }
}

#[test]
fn a_writer_that_takes_over_wakes_the_sleepers() {
    for (last, ahead) in
        [Step::Published, Step::Cleared, Step::Changed].into_iter().flat_map(|step| [(step, 0), (step, 1)])
    {
        println!("the first writer ends {last:?}, {ahead} ahead");
        let model = Model {
            name: "takeover of the event count",
            preemptions: 4 - ahead,
            scenario: move |flaw| take_over_the_bell(last, ahead, flaw),
        };
        model.holds();
        if last != Step::Published {
            model.rejects(Flaw::NotifiesOnlyIfAsked, LOST_WAKEUP);
        }
    }
}
