//! One channel on its way to one receiver: a thread with a reader and a sender.

use super::window::{Room, Window, Windows};
use crate::attachment::{Attachment, Place};
use crate::carrier::copies::{Copied, HOLD};
use crate::carrier::{Carrier, Order, Parcel, Sender, Urgency, Wish};
use crate::counters::Counters;
use ndsharray::raw::Origin;
use ndsharray::{Error, Options, OwnedSample, Reader};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};
use uuid::Uuid;

/// Longest time between two looks whether the relay is to end.
const TICK: Duration = Duration::from_millis(250);
/// Pause before an attempt is made again.
const PAUSE: Duration = Duration::from_millis(500);
/// What a relay's thread takes for its stack. It calls nothing that is deep.
const STACK: usize = 512 << 10;

/// A relay's thread, as its bridge holds it.
pub(super) struct Relay {
    pub(super) wish: Wish,
    window: Arc<Window>,
    thread: Option<JoinHandle<()>>,
}

/// What a relay needs.
pub(super) struct Task {
    pub(super) options: Options,
    pub(super) carrier: Arc<dyn Carrier>,
    pub(super) counters: Arc<Counters>,
    pub(super) wish: Wish,
    /// Whether the writer is to wait for this relay, if it does so for readers at all.
    pub(super) lossless: bool,
    /// The least time between two values.
    pub(super) interval: Option<Duration>,
}

impl Relay {
    pub(super) fn start(task: Task, windows: &Windows) -> std::io::Result<Self> {
        let (wish, window) = (task.wish.clone(), Arc::new(Window::default()));
        // Before the first message, whose answer may come at once.
        windows.add(&wish.channel, &wish.receiver, &window);
        let mut work = Work {
            relay: Uuid::new_v4().as_u64_pair().1,
            count: 0,
            last: None,
            urgency: Urgency::Small,
            is_slow: true,
            window: Arc::clone(&window),
            task,
        };
        let builder = std::thread::Builder::new().name(format!("to {}", wish.receiver.id)).stack_size(STACK);
        let thread = builder.spawn(move || work.run())?;
        Ok(Self { wish, window, thread: Some(thread) })
    }

    /// Whether it has ended by itself, as its channel has been closed.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Relay {
    /// Has it end; does not wait, as the carrier may be blocked for a while.
    fn drop(&mut self) {
        self.window.stop();
        if let Some(thread) = self.thread.take_if(|thread| thread.is_finished()) {
            // Its panic has been printed.
            let _ = thread.join();
        }
    }
}

struct Work {
    relay: u64,
    count: u64,
    last: Option<(u64, Origin)>,
    /// Of values that go in order: another urgency would have them overtake each other.
    urgency: Urgency,
    /// Whether the last value took long, or there is none yet.
    ///
    /// The next is copied then, so that it holds no slot meanwhile.
    is_slow: bool,
    window: Arc<Window>,
    task: Task,
}

/// Why a relay stops sending.
enum End {
    Stopped,
    Closed,
    Again(String),
}

impl Work {
    fn run(&mut self) {
        loop {
            match self.relay() {
                End::Stopped | End::Closed => return,
                End::Again(problem) => self.task.counters.set_problem(Some(problem)),
            }
            if self.window.sleep_until(Instant::now() + PAUSE) {
                return;
            }
        }
    }

    fn open(&self) -> ndsharray::Result<Reader> {
        let (options, channel) = (&self.task.options, &self.task.wish.channel);
        match self.task.wish.order {
            Order::Latest => options.open(channel),
            Order::InOrder => {
                let options = options.clone().from_oldest(true);
                match options.clone().lossless(self.task.lossless).open(channel) {
                    // The writer waits for no reader: what it keeps is all there is.
                    Err(Error::LosslessRefused { .. }) => options.open(channel),
                    other => other,
                }
            }
        }
    }

    fn relay(&mut self) -> End {
        let mut reader = match self.open() {
            Ok(reader) => reader,
            Err(Error::NotFound { .. }) if self.last.is_some() => return End::Closed,
            Err(error) => return End::Again(error.to_string()),
        };
        let mut sender = match self.task.carrier.sender(&self.task.wish.channel, &self.task.wish.receiver) {
            Ok(sender) => sender,
            Err(error) => return End::Again(error.to_string()),
        };
        self.window.begin(self.relay);
        let mut next_at = Instant::now();
        loop {
            match self.window.wait() {
                Room::Free => {}
                Room::Unanswered => self.task.counters.drop_values("unanswered", 1),
                Room::Stopped => return End::Stopped,
            }
            if self.task.interval.is_some() && self.window.sleep_until(next_at) {
                return End::Stopped;
            }
            let answer = match self.task.wish.order {
                Order::Latest => reader.wait_owned(TICK),
                Order::InOrder => reader.wait_next_owned(TICK),
            };
            match answer {
                Ok(None) => {}
                Ok(Some(sample)) => {
                    if let Some(interval) = self.task.interval {
                        next_at = Instant::now() + interval;
                    }
                    if let Err(problem) = self.pass_on(sample, sender.as_mut()) {
                        return End::Again(problem);
                    }
                }
                Err(Error::Closed { .. }) => return self.close(sender.as_mut()),
                // It goes on as an ordinary reader.
                Err(Error::LosslessRefused { .. }) => {}
                Err(error) => {
                    self.task.counters.drop_values("unreadable", 1);
                    return End::Again(error.to_string());
                }
            }
        }
    }

    fn place(&mut self, bytes: u64) -> Place {
        self.count += 1;
        Place { relay: self.relay, count: self.count, wants_answer: Window::wants_answer(self.count, bytes) }
    }

    fn pass_on(&mut self, sample: OwnedSample, sender: &mut dyn Sender) -> Result<(), String> {
        let counters = Arc::clone(&self.task.counters);
        counters.drop_values("skipped", sample.missed());
        if sample.is_imported() {
            // A bridge never passes on what came over one.
            counters.drop_values("imported", 1);
            return Ok(());
        }
        let (len, max) = (sample.as_bytes().len(), self.task.carrier.max_bytes());
        let bytes = len as u64;
        if bytes > max {
            counters.drop_values("too-large", 1);
            counters.set_problem(Some(format!("a value of {bytes} bytes, where the carrier takes {max}")));
            return Ok(());
        }
        if self.task.wish.order == Order::Latest || self.window.is_empty() {
            self.urgency = Urgency::of(len);
        }
        let copied = if self.is_slow { Copied::of(sample.as_bytes()) } else { None };
        if self.is_slow && copied.is_none() && self.task.wish.order == Order::Latest {
            counters.drop_values("no-room", 1);
            drop(sample);
            // Other slow receivers have all room. What is newest then goes next.
            self.window.sleep_until(Instant::now() + TICK);
            return Ok(());
        }
        let attachment = Attachment::of(&sample, self.place(bytes));
        let parcel = copied.map_or(Parcel::Sample(sample), Parcel::Copied);
        self.window.send(self.count, bytes);
        let begun = Instant::now();
        let sent = sender.send(&attachment.encode(), parcel, self.urgency);
        self.is_slow = sent.is_err() || begun.elapsed() > HOLD;
        sent.map_err(|error| error.to_string()).inspect_err(|_| counters.drop_values("unsent", 1))?;
        counters.value(attachment.number, bytes, attachment.origin.time);
        counters.set_problem(None);
        self.last = Some((attachment.number, attachment.origin));
        Ok(())
    }

    /// Tells the receiver that the writer has closed the channel.
    fn close(&mut self, sender: &mut dyn Sender) -> End {
        let nothing = Origin { incarnation: Uuid::nil(), epoch: 0, time: SystemTime::UNIX_EPOCH };
        let (number, origin) = self.last.unwrap_or((0, nothing));
        let attachment = Attachment { place: self.place(0), number, origin, value: None };
        // Best effort: the announcement is withdrawn too.
        let _ = sender.send(&attachment.encode(), Parcel::Nothing, self.urgency);
        End::Closed
    }
}
