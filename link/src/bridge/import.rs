//! A channel of another host, as a local one.
//!
//! Values come by [`Arrivals`] on the carrier's threads. What is small is written there. The rest
//! waits for a thread of the import's own, which it has while the channel is wanted.

use super::window;
use crate::attachment::{Attachment, Described, Place, Refusal};
use crate::carrier::{Answer, Arrivals, Carrier, Offer, Order, Payload};
use crate::counters::Counters;
use ndsharray::inspect::{ChannelState, Details, Kind};
use ndsharray::{AnyWriter, Error, Options, raw};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// Values up to so many bytes are written on the carrier's thread.
const AT_ONCE: usize = 1 << 16;
/// Messages that may wait in order. A relay sends half as many without an answer.
const MAX_WAITING: usize = 2 * window::MAX_MESSAGES;
/// Bytes that may wait in order; two messages may in any case.
const MAX_WAITING_BYTES: u64 = 2 * window::MAX_BYTES;
/// Pause before a value is tried again that local lossless readers are in the way of.
const PAUSE: Duration = Duration::from_millis(50);

/// The local channel, and what waits to be written to it.
pub(super) struct Import {
    local: String,
    options: Options,
    order: Order,
    max_bytes: u64,
    pub(super) counters: Arc<Counters>,
    writing: Mutex<Writing>,
    mailbox: Mutex<Mailbox>,
    news: Condvar,
}

/// The writing end.
struct Writing {
    writer: Option<AnyWriter>,
    incarnation: Uuid,
    /// The last value's number, once the source has closed its channel after it.
    closed_after: Option<u64>,
}

#[derive(Default)]
struct Mailbox {
    waiting: VecDeque<(Attachment, Box<dyn Payload>)>,
    bytes: u64,
    /// The relay that sends, and the highest count that has come from it.
    relay: u64,
    count: u64,
    /// What the relay is still to be told.
    owed: Option<Answer>,
    stopped: bool,
    /// Which opening this is: a thread of an earlier one ends.
    opening: u64,
}

impl Mailbox {
    fn has_ended(&self, opening: u64) -> bool {
        self.stopped || self.opening != opening
    }
}

/// What became of a value.
enum Written {
    Done,
    /// It has been here already.
    Repeated,
    /// Local lossless readers are behind: not yet.
    Later,
    /// The local name is a local writer's.
    Taken,
}

impl Import {
    /// An import without a local channel; [`prepare`](Self::prepare) makes it.
    pub(super) fn new(local: String, options: Options, order: Order, max_bytes: u64, counters: Arc<Counters>) -> Self {
        let writing = Mutex::new(Writing { writer: None, incarnation: Uuid::nil(), closed_after: None });
        Self { local, options, order, max_bytes, counters, writing, mailbox: Mutex::default(), news: Condvar::new() }
    }

    pub(super) fn local(&self) -> &str {
        &self.local
    }

    pub(super) fn order(&self) -> Order {
        self.order
    }

    /// Makes the local channel, without a value, if there is none of this source.
    pub(super) fn prepare(&self, offer: &Offer) -> Result<(), String> {
        let mut writing = self.writing();
        writing.closed_after = None;
        if writing.writer.is_none() || writing.incarnation != offer.incarnation {
            let begun = self.begin(&mut writing, offer.incarnation, offer.number.saturating_sub(1));
            if !begun.map_err(|error| error.to_string())? {
                return Err(self.taken());
            }
        }
        Ok(())
    }

    /// What is wrong where the local name has a channel of a local writer.
    fn taken(&self) -> String {
        format!("channel {:?} is a local writer's: `ndsh rm` removes it", self.local)
    }

    /// Makes the local channel; `false` if there is one that a local writer has made, which stays.
    fn begin(&self, writing: &mut Writing, incarnation: Uuid, after: u64) -> ndsharray::Result<bool> {
        // Closes the channel of another source.
        writing.writer = None;
        if is_of_local_writer(&self.options, &self.local) {
            return Ok(false);
        }
        // A local writer may have gone on with what a bridge has made. What cannot be read is no
        // value that could be lost.
        if let Ok(mut reader) = self.options.open(&self.local)
            && let Ok(Some(sample)) = reader.latest()
            && !sample.is_imported()
        {
            return Ok(false);
        }
        writing.writer = Some(raw::create_import(&self.options, &self.local, incarnation, after)?);
        writing.incarnation = incarnation;
        Ok(true)
    }

    /// Whether there is a local channel.
    pub(super) fn is_prepared(&self) -> bool {
        self.writing().writer.is_some()
    }

    /// How many local readers there are; `None` while a value is being written.
    pub(super) fn readers(&self) -> Option<usize> {
        let writing = match self.writing.try_lock() {
            Ok(writing) => writing,
            Err(std::sync::TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(std::sync::TryLockError::WouldBlock) => return None,
        };
        Some(writing.writer.as_ref().map_or(0, AnyWriter::reader_count))
    }

    /// Whether the source has said that its channel is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.writing().closed_after.is_some()
    }

    /// Whether the local channel has a value.
    pub(super) fn has_value(&self) -> bool {
        self.writing().writer.as_ref().is_some_and(|writer| writer.payload_name().is_some())
    }

    /// Closes the local channel.
    pub(super) fn close(&self) {
        self.writing().writer = None;
    }

    /// Writes what waits, and answers, until [`stop`](Self::stop); for one [`open`](Self::open).
    pub(super) fn work(&self, opening: u64, carrier: &dyn Carrier, source: &Offer) {
        loop {
            let (next, owed) = {
                let mut mailbox = self.mailbox();
                loop {
                    if mailbox.has_ended(opening) {
                        return;
                    }
                    let owed = mailbox.owed.take();
                    let next = mailbox.waiting.pop_front();
                    if let Some((_, payload)) = &next {
                        mailbox.bytes = mailbox.bytes.saturating_sub(payload.len() as u64);
                    }
                    if owed.is_some() || next.is_some() {
                        break (next, owed);
                    }
                    mailbox = self.news.wait(mailbox).unwrap_or_else(PoisonError::into_inner);
                }
            };
            if let Some(answer) = owed {
                self.answer(carrier, source, answer);
            }
            let Some((attachment, payload)) = next else { continue };
            while !self.take(&attachment, payload.as_ref()) {
                if self.mailbox().has_ended(opening) {
                    return;
                }
                std::thread::sleep(PAUSE);
            }
            if attachment.place.wants_answer {
                let answer = Answer { relay: attachment.place.relay, count: attachment.place.count };
                self.answer(carrier, source, answer);
            }
        }
    }

    fn answer(&self, carrier: &dyn Carrier, source: &Offer, answer: Answer) {
        if carrier.answer(source, answer).is_err() {
            self.counters.drop_values("unanswered", 1);
        }
    }

    /// Ends [`work`](Self::work), and forgets what waits.
    pub(super) fn stop(&self) {
        let mut mailbox = self.mailbox();
        mailbox.stopped = true;
        mailbox.waiting.clear();
        mailbox.bytes = 0;
        drop(mailbox);
        self.news.notify_all();
    }

    /// Takes values from here on, after a [`stop`](Self::stop) or for the first time.
    pub(super) fn open(&self) -> u64 {
        let mut mailbox = self.mailbox();
        let opening = mailbox.opening + 1;
        *mailbox = Mailbox { opening, ..Mailbox::default() };
        opening
    }

    /// Writes a value, or counts why not; `false` if it is to be tried again.
    fn take(&self, attachment: &Attachment, payload: &dyn Payload) -> bool {
        self.take_with(&mut self.writing(), attachment, payload)
    }

    fn take_with(&self, writing: &mut Writing, attachment: &Attachment, payload: &dyn Payload) -> bool {
        let Some(value) = &attachment.value else {
            if attachment.origin.incarnation == writing.incarnation || attachment.number == 0 {
                writing.closed_after = Some(attachment.number);
                writing.writer = None;
            }
            return true;
        };
        match self.write(writing, attachment, value, payload) {
            Ok(Written::Done) => {
                writing.closed_after = None;
                self.counters.value(attachment.number, payload.len() as u64, attachment.origin.time);
                self.counters.set_problem(None);
            }
            Ok(Written::Repeated) => self.counters.drop_values("repeated", 1),
            Ok(Written::Later) => return false,
            Ok(Written::Taken) => {
                self.counters.drop_values("name-taken", 1);
                self.counters.set_problem(Some(self.taken()));
            }
            Err(error) => {
                self.counters.drop_values(reason(&error), 1);
                self.counters.set_problem(Some(error.to_string()));
            }
        }
        true
    }

    fn write(
        &self,
        writing: &mut Writing,
        attachment: &Attachment,
        value: &Described,
        payload: &dyn Payload,
    ) -> ndsharray::Result<Written> {
        let (number, origin) = (attachment.number, &attachment.origin);
        let is_same = writing.incarnation == origin.incarnation;
        if is_same && writing.closed_after.is_some_and(|last| number <= last) {
            return Ok(Written::Repeated);
        }
        if (writing.writer.is_none() || writing.incarnation != origin.incarnation)
            && !self.begin(writing, origin.incarnation, number.saturating_sub(1))?
        {
            return Ok(Written::Taken);
        }
        let Some(writer) = &mut writing.writer else { return Ok(Written::Later) };
        if number <= writer.seq() {
            return Ok(Written::Repeated);
        }
        raw::begin_after(writer, number.saturating_sub(1))?;
        let loan = match &value.record {
            Some(record) => writer.loan_records(record, &value.shape),
            None => writer.loan(value.element, &value.shape),
        };
        let mut loan = match loan {
            Err(Error::ReadersBehind { .. }) => return Ok(Written::Later),
            other => other?,
        };
        payload.copy_to(loan.as_mut_bytes());
        raw::publish_as(loan, number, origin, &value.attributes)?;
        Ok(Written::Done)
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrivals for Import {
    fn arrive(&self, attachment: &[u8], payload: Box<dyn Payload>) {
        let attachment = match Attachment::decode(attachment, payload.len() as u64, self.max_bytes) {
            Ok(attachment) => attachment,
            Err(refusal) => {
                self.counters.drop_values(refusal.reason(), 1);
                // The relay is not to wait for what will never be taken.
                if let Some(Place { relay, count, .. }) = Place::of_refused(attachment) {
                    self.mailbox().owed = Some(Answer { relay, count });
                    self.news.notify_all();
                }
                return;
            }
        };
        let place = attachment.place;
        let mut mailbox = self.mailbox();
        if mailbox.stopped {
            return;
        }
        if mailbox.relay != place.relay {
            (mailbox.relay, mailbox.count) = (place.relay, 0);
        }
        if place.count > mailbox.count {
            // Counts that another urgency has overtaken are taken back when they come.
            let lost = place.count - mailbox.count - 1;
            self.counters.drop_values("lost", lost);
            mailbox.count = place.count;
        } else {
            self.counters.take_back("lost");
        }
        if self.order == Order::Latest {
            if payload.len() <= AT_ONCE && mailbox.waiting.is_empty() {
                drop(mailbox);
                // Held by the import's own thread: then this one waits for it too.
                if let Ok(mut writing) = self.writing.try_lock() {
                    self.take_with(&mut writing, &attachment, payload.as_ref());
                    drop(writing);
                    if place.wants_answer {
                        self.mailbox().owed = Some(Answer { relay: place.relay, count: place.count });
                        self.news.notify_all();
                    }
                    return;
                }
                mailbox = self.mailbox();
            }
            // The newest is what readers are to see.
            let before = mailbox.waiting.len();
            mailbox.waiting.retain(|(older, _)| older.value.is_none());
            self.counters.drop_values("overtaken", (before - mailbox.waiting.len()) as u64);
            mailbox.bytes = 0;
        } else if mailbox.waiting.len() >= MAX_WAITING
            || (mailbox.waiting.len() >= 2 && mailbox.bytes >= MAX_WAITING_BYTES)
        {
            // No relay of this crate sends so much ahead.
            return self.counters.drop_values("overrun", 1);
        }
        if mailbox.waiting.len() >= MAX_WAITING {
            return self.counters.drop_values("overrun", 1);
        }
        mailbox.bytes = mailbox.bytes.saturating_add(payload.len() as u64);
        mailbox.waiting.push_back((attachment, payload));
        drop(mailbox);
        self.news.notify_all();
    }
}

/// Whether a channel stands there that was not made for values of a source elsewhere.
///
/// Such a one has the lineage of that source. A local writer's is the channel's own, until it had
/// to be replaced. One that is closed leaves the name to others.
fn is_of_local_writer(options: &Options, name: &str) -> bool {
    // What is not there or cannot be read is for the party to judge that makes the channel.
    let Ok(report) = options.look(name, Kind::Channel) else { return false };
    match report.details {
        Details::Channel { state: None | Some(ChannelState::Closed), .. } => false,
        Details::Channel { began_here, .. } => began_here,
        _ => false,
    }
}

/// A word for why a value could not be written.
fn reason(error: &Error) -> &'static str {
    match error {
        Error::OutOfMemory { .. } => "out-of-memory",
        Error::AllSlotsPinned { .. } => "all-slots-pinned",
        Error::WriterExists { .. } => "name-taken",
        Error::InvalidBool { .. } => Refusal::Bool.reason(),
        Error::NumberUsed { .. } => "repeated",
        Error::NumbersExhausted { .. } => "number",
        _ => "unwritable",
    }
}
