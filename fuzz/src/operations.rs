//! A channel in use, beside a model of it. From some point on, its files are damaged.

use crate::damage::{Reach, damage};
use crate::input::Input;
use crate::open::answered;
use crate::scratch::Scratch;
use crate::values::{Value, byte_len, dispatch_dtype};
use bytemuck::CheckedBitPattern;
use ndsharray::{ArrayView, DType, Error, Options, OwnedSample, Reader, Result, Sample, ShElement, Writer};
use std::rc::Rc;
use std::time::{Duration, Instant};

const NAME: &str = "ops";

/// The most operations in one run.
const MOST: usize = 96;

/// The most samples that are kept at once.
const KEPT: usize = 6;

/// The most readers at once.
const READERS: usize = 3;

/// The longest that one run may take.
const BOUND: Duration = Duration::from_secs(120);

/// A channel does what a simple model does, whatever the operations and their order.
///
/// Values, numbers and errors are the same, and a held value does not change. Once the files have
/// been damaged from outside, less is promised: each call answers in bounded time, with a value or
/// an error.
///
/// Input: number of slots; then operations to the end.
///
/// # Panics
///
/// The property does not hold.
pub fn operations(data: &[u8]) {
    let start = Instant::now();
    let mut input = Input::new(data);
    let scratch = Scratch::new();
    let slots = 2 + input.below(4);
    let mut run = Run {
        options: Options::new().dir(scratch.dir()).max_slots(slots).max_readers(16),
        slots,
        scratch,
        writer: None,
        readers: [const { None }; READERS],
        kept: Vec::new(),
        persist: true,
        channel: None,
        channels: 0,
        damaged: false,
    };
    for _ in 0..MOST {
        if input.is_empty() {
            break;
        }
        run.step(&mut input);
    }
    run.finish();
    assert!(start.elapsed() < BOUND, "took {:?}", start.elapsed());
}

/// A value that was published.
struct Published {
    /// The id of its channel, among those that have had the name.
    channel: u64,
    number: u64,
    value: Value,
}

/// The expected state of a channel, which comes and goes with its board.
struct Channel {
    id: u64,
    epoch: u64,
    current: Option<Rc<Published>>,
    /// All its values.
    all: Vec<Rc<Published>>,
    /// Whether its writer waits for lossless readers.
    waits: bool,
    /// Closed, but kept for readers that had not read its last value.
    left: bool,
}

impl Channel {
    fn last(&self) -> u64 {
        self.current.as_ref().map_or(0, |value| value.number)
    }
}

/// A reader and its expected state.
struct Watch {
    reader: Reader,
    copies: bool,
    /// The id of the channel that it is attached to, which may have been closed since.
    channel: u64,
    /// The last value of that channel, and of each that came and went since.
    ///
    /// A reader may have been attached to a channel without having read anything of it.
    farewells: Vec<Rc<Published>>,
    /// All values of those channels.
    older: Vec<Rc<Published>>,
    /// Whether the writer waits for it.
    lossless: bool,
    /// Whether its position is not known before it has read: it began with the oldest value.
    floating: bool,
    /// The last value read, if any.
    last: Option<Rc<Published>>,
    /// The number of the last value that it read or passed over, on that channel.
    position: u64,
    /// The epoch whose close was reported to it.
    told: u64,
    /// The number of answers from the old channel since a new one had a value.
    late: u32,
    /// Whether an answer may be from either channel: both had an equal value with its number.
    unsure: bool,
}

/// A kept sample and its expected value.
struct Kept {
    sample: OwnedSample,
    value: Rc<Published>,
    copied: bool,
}

struct Run {
    scratch: Scratch,
    options: Options,
    slots: usize,
    writer: Option<Writer<u8>>,
    readers: [Option<Watch>; READERS],
    kept: Vec<Kept>,
    /// Whether the channel stays when its writer is closed.
    persist: bool,
    channel: Option<Channel>,
    channels: u64,
    damaged: bool,
}

impl Run {
    fn step(&mut self, input: &mut Input<'_>) {
        match input.below(28) {
            0..=4 => self.write(Value::from_input(input)),
            5 | 6 => {
                let value = Value::from_input(input);
                self.lend(value, input.u8());
            }
            7 => self.take_over(input),
            8 => self.leave(),
            9 => self.close(),
            10 => self.attach(input),
            11 => drop(input.pick(&[0, 1, 2]).and_then(|&index: &usize| self.readers[index].take())),
            12..=14 => self.read(input, Way::Read),
            15 => self.read(input, Way::Latest),
            16 => self.read(input, Way::Wait),
            17 => self.read_into(input),
            18 | 19 => self.keep(input),
            20 => {
                let index = input.below(KEPT);
                if index < self.kept.len() {
                    drop(self.kept.swap_remove(index));
                }
            }
            21 => self.hold_through_writes(input),
            22 => self.look_at_all(),
            23 => self.damage(input),
            _ => self.read(input, Way::Next),
        }
        self.channel_may_end();
    }

    fn damage(&mut self, input: &mut Input<'_>) {
        self.damaged = true;
        let idle = self.writer.is_none() && self.kept.is_empty() && self.readers.iter().all(Option::is_none);
        // No view of a payload is in use here: a kept sample makes a new view for each look.
        damage(input, &self.scratch, if idle { Reach::Unmapped } else { Reach::Mapped });
    }

    // The writer ------------------------------------------------------------------------------

    fn take_over(&mut self, input: &mut Input<'_>) {
        let how = input.u8();
        let (persist, waits) = (how & 3 != 0, how & 32 != 0);
        // Two slots more than that are needed.
        let history = 1 + usize::from(how >> 2 & 7) % self.slots.saturating_sub(2).max(1);
        let mut options = self.options.clone().persist(persist).history(history);
        if waits {
            options = options.wait_for_readers(Duration::ZERO);
        }
        let made = options.create::<u8>(NAME);
        if self.damaged {
            match made {
                Ok(writer) => self.writer = Some(writer),
                Err(error) => answered(&error),
            }
            return;
        }
        if self.writer.is_some() {
            assert!(matches!(made, Err(Error::WriterExists { .. })), "a second writer: {made:?}");
            return;
        }
        self.writer = Some(made.expect("there is no other writer"));
        self.persist = persist;
        match &mut self.channel {
            Some(channel) => {
                channel.epoch += 1;
                channel.left = false;
                channel.waits = waits;
            }
            None => {
                self.channels += 1;
                let (id, all) = (self.channels, Vec::new());
                self.channel = Some(Channel { id, epoch: 1, current: None, all, waits, left: false });
            }
        }
    }

    /// Closes the writer; its last value, if there is one, stays or goes with it.
    fn leave(&mut self) {
        let Some(writer) = self.writer.take() else { return };
        match writer.close() {
            Ok(()) => {}
            // What has taken the place of a file stays, and the close says so.
            Err(error) if self.damaged => answered(&error),
            Err(error) => panic!("nothing keeps it from closing: {error:?}"),
        }
        if self.persist && self.channel.as_ref().is_some_and(|channel| channel.current.is_some()) {
            return;
        }
        let is_left = self.has_board();
        if let Some(channel) = self.channel.as_mut().filter(|_| !self.damaged) {
            channel.left = is_left;
            let is_behind = |watch: &Watch| {
                !watch.copies && watch.channel == channel.id && !is_same(watch.last.as_ref(), channel.current.as_ref())
            };
            let waits = self.readers.iter().flatten().any(is_behind) && channel.current.is_some();
            assert!(is_left || !waits, "a reader is behind, and nothing was left for it");
            let may_wait = self.readers.iter().flatten().any(|watch| !watch.copies);
            assert!(!is_left || may_wait, "left, but no reader is there");
        }
        self.channel_may_end();
    }

    fn has_board(&self) -> bool {
        self.options.directory().join(format!("{NAME}.ndsh")).exists()
    }

    /// Forgets a closed channel once its files are gone: no reader is behind any more.
    fn channel_may_end(&mut self) {
        if self.channel.is_some() && self.writer.is_none() && !self.has_board() {
            self.channel_ends();
        }
    }

    /// Removes the channel for good.
    fn close(&mut self) {
        self.leave();
        match self.options.remove(NAME) {
            Ok(()) => assert!(self.damaged || self.channel.is_some(), "removed what was not there"),
            Err(Error::NotFound { .. }) if self.channel.is_none() => {}
            Err(error) if self.damaged => answered(&error),
            Err(error) => panic!("not removed: {error:?}"),
        }
        self.channel_ends();
        if !self.damaged {
            assert_eq!(self.scratch.files(), Vec::<std::path::PathBuf>::new(), "nothing stays of a removed channel");
        }
    }

    fn channel_ends(&mut self) {
        let Some(channel) = self.channel.take() else { return };
        for watch in self.readers.iter_mut().flatten() {
            watch.farewells.extend(channel.current.clone());
            watch.older.extend(channel.all.iter().cloned());
            watch.late = 0;
        }
    }

    /// Counts the slots that are in use, by samples or by the current value.
    fn slots_in_use(&self, borrowed: Option<u64>) -> usize {
        let Some(channel) = &self.channel else { return 0 };
        let kept = self.kept.iter().filter(|kept| kept.value.channel == channel.id && !kept.copied);
        let mut numbers: Vec<_> = kept.map(|kept| kept.value.number).collect();
        numbers.extend(borrowed);
        numbers.extend(channel.current.as_ref().map(|value| value.number));
        numbers.sort_unstable();
        numbers.dedup();
        numbers.len()
    }

    fn write(&mut self, value: Value) {
        if let Some(writer) = self.writer.take() {
            let full = self.slots_in_use(None) == self.slots;
            let (writer, written) = dispatch_dtype!(value.dtype, T => write_typed::<T>(writer, &value));
            self.writer = Some(writer);
            self.written(written, full, value);
        }
    }

    fn written(&mut self, written: Result<u64>, full: bool, value: Value) {
        match written {
            _ if self.damaged => drop(written.map_err(|error| answered(&error))),
            Ok(number) => {
                assert!(!full, "written although readers hold all slots");
                let channel = self.channel.as_mut().unwrap();
                let before = channel.current.as_ref().map_or(0, |value| value.number);
                assert_eq!(number, before + 1, "numbers count up by one");
                let published = Rc::new(Published { channel: channel.id, number, value });
                channel.all.push(Rc::clone(&published));
                channel.current = Some(published);
            }
            Err(Error::ReadersBehind { .. }) => {
                assert!(self.channel.as_ref().is_some_and(|channel| channel.waits), "waited without consent");
                assert!(self.readers.iter().flatten().any(|watch| watch.lossless), "no reader is lossless");
            }
            Err(Error::AllSlotsPinned { .. }) => assert!(full, "not all slots are held"),
            Err(error) => panic!("not written: {error:?}"),
        }
    }

    fn lend(&mut self, value: Value, how: u8) {
        if let Some(writer) = self.writer.take() {
            let full = self.slots_in_use(None) == self.slots;
            let publish = how & 1 != 0;
            let (writer, published) = dispatch_dtype!(value.dtype, T => lend_typed::<T>(writer, &value, publish));
            self.writer = Some(writer);
            if let Some(published) = published.transpose() {
                self.written(published, full, value);
            }
        }
    }

    // Readers ---------------------------------------------------------------------------------

    fn attach(&mut self, input: &mut Input<'_>) {
        let index = input.below(READERS);
        let how = input.u8();
        let (copies, from_oldest) = (how & 1 != 0, how & 2 != 0);
        let lossless = how & 12 == 12 && !copies;
        self.readers[index] = None;
        let options = self.options.clone().from_oldest(from_oldest).lossless(lossless);
        let opened = if copies { options.open_read_only(NAME) } else { options.open(NAME) };
        let channel = match (&self.channel, &opened) {
            (_, Err(error)) if self.damaged => return answered(error),
            (Some(channel), Err(Error::NotFound { .. })) if channel.left => return,
            (Some(channel), Err(Error::LosslessRefused { .. })) if lossless && !channel.waits => return,
            (Some(channel), Ok(_)) if channel.left => panic!("what is left is for earlier readers"),
            (channel, Ok(_)) if self.damaged => channel.as_ref().map_or(0, |channel| channel.id),
            (Some(channel), Ok(_)) => channel.id,
            (None, Err(Error::NotFound { .. })) => return,
            (channel, opened) => {
                panic!("there {} a channel: {opened:?}", if channel.is_some() { "is" } else { "is not" })
            }
        };
        let reader = opened.unwrap();
        let position = self.channel.as_ref().map_or(0, |channel| channel.last().saturating_sub(1));
        let (farewells, older, last, floating) = (Vec::new(), Vec::new(), None, from_oldest);
        let (told, late, unsure) = (0, 0, false);
        self.readers[index] = Some(Watch {
            reader,
            copies,
            channel,
            farewells,
            older,
            lossless,
            floating,
            last,
            position,
            told,
            late,
            unsure,
        });
    }

    fn read(&mut self, input: &mut Input<'_>, way: Way) {
        let index = input.below(READERS);
        let owned = input.u8() & 1 != 0;
        let Some(mut watch) = self.readers[index].take() else { return };
        let answer = if owned || watch.copies {
            let answer = match way {
                Way::Read => watch.reader.read_owned(),
                Way::Latest => watch.reader.latest_owned(),
                Way::Wait => watch.reader.wait_owned(Duration::ZERO),
                Way::Next => watch.reader.read_next_owned(),
            };
            answer.map(|sample| sample.map(|sample| Seen::from_owned(&sample)))
        } else {
            let answer = match way {
                Way::Read => watch.reader.read(),
                Way::Latest => watch.reader.latest(),
                Way::Wait => watch.reader.wait(Duration::ZERO),
                Way::Next => watch.reader.read_next(),
            };
            answer.map(|sample| sample.map(|sample| Seen::from_borrowed(&sample)))
        };
        self.check(&mut watch, way, answer);
        self.readers[index] = Some(watch);
    }

    fn read_into(&mut self, input: &mut Input<'_>) {
        let index = input.below(READERS);
        let other = *input.pick(DType::ALL).unwrap();
        let Some(mut watch) = self.readers[index].take() else { return };
        let at = self.expected(&watch).0;
        let dtype = if input.u8() & 1 != 0 { other } else { at.map_or(other, |at| at.value.dtype) };
        let answer = dispatch_dtype!(dtype, T => into_typed::<T>(&mut watch.reader));
        self.check(&mut watch, Way::Read, answer);
        self.readers[index] = Some(watch);
    }

    fn keep(&mut self, input: &mut Input<'_>) {
        let index = input.below(READERS);
        let Some(mut watch) = self.readers[index].take() else { return };
        let copied = watch.copies;
        let answer = watch.reader.latest_owned();
        let kept = answer.as_ref().ok().cloned().flatten();
        let seen = answer.map(|sample| sample.map(|sample| Seen::from_owned(&sample)));
        let value = self.check(&mut watch, Way::Latest, seen);
        self.readers[index] = Some(watch);
        if let (Some(sample), true) = (kept, self.kept.len() < KEPT) {
            let number = sample.seq();
            let unknown = || Rc::new(Published { channel: 0, number, value: copy_of(&sample) });
            let value = value.unwrap_or_else(unknown);
            self.kept.push(Kept { sample, value, copied });
        }
    }

    /// A borrowed sample stays as it is while the writer goes on.
    fn hold_through_writes(&mut self, input: &mut Input<'_>) {
        let index = input.below(READERS);
        let count = input.below(7);
        let values: Vec<_> = (0..count).map(|_| Value::from_input(input)).collect();
        let Some(mut watch) = self.readers[index].take() else { return };
        if watch.copies
            || watch.lossless
            || self.damaged
            || Some(watch.channel) != self.channel.as_ref().map(|channel| channel.id)
        {
            self.readers[index] = Some(watch);
            return;
        }
        let expected = self.channel.as_ref().and_then(|channel| channel.current.clone());
        let held = watch.reader.latest().expect("a value can be held");
        assert_eq!(held.is_some(), expected.is_some());
        let borrowed = held.as_ref().map(Sample::seq);
        for value in values {
            let Some(writer) = self.writer.take() else { break };
            let full = self.slots_in_use(borrowed) == self.slots;
            let (writer, written) = dispatch_dtype!(value.dtype, T => write_typed::<T>(writer, &value));
            self.writer = Some(writer);
            self.written(written, full, value);
        }
        if let (Some(held), Some(expected)) = (held, &expected) {
            Seen::from_borrowed(&held).assert_is(expected);
        }
        watch.floating &= expected.is_none();
        watch.position = expected.as_ref().map_or(watch.position, |value| value.number);
        watch.last = expected.or(watch.last);
        self.readers[index] = Some(watch);
    }

    /// Returns the value that a reader should see now, and whether its channel is gone.
    ///
    /// The value is from the channel that has the name, or from one that was closed.
    fn expected(&self, watch: &Watch) -> (Option<Rc<Published>>, bool) {
        match &self.channel {
            Some(channel) if channel.id == watch.channel => (channel.current.clone(), false),
            _ => (watch.farewells.last().cloned(), true),
        }
    }

    /// Compares an answer with the model; returns the value that was read.
    fn check(&mut self, watch: &mut Watch, way: Way, answer: Result<Option<Seen>>) -> Option<Rc<Published>> {
        if self.damaged {
            if let Err(error) = answer {
                answered(&error);
            }
            return None;
        }
        if matches!(answer, Err(Error::LosslessRefused { .. })) {
            let consents = self.channel.as_ref().is_some_and(|channel| channel.waits);
            assert!(watch.lossless && !consents, "refused without a reason");
            watch.lossless = false;
            return None;
        }
        let (value, over) = self.expected(watch);
        if over {
            return self.check_after_close(watch, answer);
        }
        if way == Way::Next {
            return self.check_next(watch, value.as_ref(), answer);
        }
        let alive = self.writer.is_some();
        assert_eq!(watch.reader.is_writer_alive(), alive);
        assert_eq!(Some(watch.reader.writer_epoch()), self.channel.as_ref().map(|channel| channel.epoch));
        let news = value.as_ref().filter(|value| !is_same(Some(*value), watch.last.as_ref()));
        let due = if way == Way::Latest { value.as_ref() } else { news };
        match (answer, due) {
            (Ok(Some(seen)), Some(due)) => {
                seen.assert_is(due);
                let missed = (due.number - watch.position).saturating_sub(1);
                assert!(seen.missed == missed || watch.floating, "{} missed before {}", seen.missed, due.number);
                watch.floating = false;
                watch.position = due.number;
                watch.last = Some(Rc::clone(due));
                Some(Rc::clone(due))
            }
            (Ok(None), None) => {
                let told = way != Way::Wait || alive || watch.told == watch.reader.writer_epoch();
                assert!(told, "a wait reports a close");
                assert_eq!(watch.reader.is_closed(), !alive);
                None
            }
            (Err(Error::Closed { .. }), None) if way == Way::Wait && !alive => {
                assert_ne!(watch.told, watch.reader.writer_epoch(), "a close is reported once");
                watch.told = watch.reader.writer_epoch();
                None
            }
            (Err(Error::DTypeMismatch { expected, found, .. }), Some(due)) => {
                assert_eq!(found, due.value.dtype);
                assert_ne!(expected, found);
                None
            }
            (answer, due) => panic!("answered {answer:?}, due {:?}", due.map(|value| value.number)),
        }
    }

    /// Compares a value that was read in order with the model.
    ///
    /// Which of the older values stand is not modelled, but for lossless readers.
    fn check_next(
        &self,
        watch: &mut Watch,
        current: Option<&Rc<Published>>,
        answer: Result<Option<Seen>>,
    ) -> Option<Rc<Published>> {
        let Some(seen) = answer.expect("nothing is damaged") else {
            let read = current.is_none_or(|current| is_same(Some(current), watch.last.as_ref()));
            assert!(read, "the current value has not been read");
            return None;
        };
        let channel = self.channel.as_ref().expect("it is not over");
        let value = channel.all.iter().find(|value| value.number == seen.number).expect("no such value");
        seen.assert_is(value);
        assert!(watch.last.as_ref().is_none_or(|last| last.number < value.number), "in order");
        if !watch.floating {
            assert_eq!(seen.missed, value.number - watch.position - 1, "missed before {}", value.number);
            assert!(seen.missed == 0 || !watch.lossless, "a lossless reader missed {}", seen.missed);
        }
        watch.floating = false;
        watch.position = value.number;
        watch.last = Some(Rc::clone(value));
        Some(Rc::clone(value))
    }

    /// Checks the answer of a reader whose channel is gone.
    ///
    /// It sees the last value, as long as that can be read, then the next channel under the name.
    fn check_after_close(&self, watch: &mut Watch, answer: Result<Option<Seen>>) -> Option<Rc<Published>> {
        let next = self.channel.as_ref().and_then(|channel| channel.current.clone());
        // A closed channel that was kept for its readers may be out of reach.
        let is_due = next.is_some() && self.channel.as_ref().is_some_and(|channel| !channel.left);
        match answer {
            Ok(Some(seen)) => {
                let old = watch.farewells.iter().chain(&watch.older).find(|value| seen.is(value)).cloned();
                // In order, it may be an older one of the new channel.
                let all = self.channel.iter().flat_map(|channel| &channel.all);
                if let Some(value) = all.rev().find(|value| seen.is(value)).cloned() {
                    // It missed the rest of the channel before, and this one up to here. Of several
                    // channels before, some may have come and gone unseen.
                    let unread = watch.farewells.last().map_or(0, |last| last.number.saturating_sub(watch.position));
                    let missed = unread + value.number - 1;
                    if old.is_none() {
                        let right =
                            seen.missed == missed || watch.unsure || watch.floating || watch.farewells.len() > 1;
                        assert!(right, "missed {} of the new channel before {}", seen.missed, value.number);
                        watch.channel = value.channel;
                        watch.farewells.clear();
                        watch.older.clear();
                        watch.floating = false;
                        watch.late = 0;
                        watch.unsure = false;
                        (watch.position, watch.told) = (value.number, 0);
                        watch.last = Some(Rc::clone(&value));
                        return Some(value);
                    }
                    watch.unsure = true;
                }
                let value = old.unwrap_or_else(|| panic!("neither an old nor the new: {seen:?}"));
                watch.position = value.number;
                watch.last = Some(Rc::clone(&value));
                Self::is_late(watch, is_due);
                Some(value)
            }
            Ok(None) | Err(Error::Closed { .. }) => {
                // An attachment to a new channel without a value yet does not show.
                Self::is_late(watch, is_due);
                None
            }
            Err(Error::DTypeMismatch { .. }) => None,
            Err(error) => panic!("after the end: {error:?}"),
        }
    }

    fn is_late(watch: &mut Watch, there_is_news: bool) {
        watch.late += u32::from(there_is_news);
        assert!(watch.unsure || watch.late <= 1, "the new channel is not found");
    }

    // All -------------------------------------------------------------------------------------

    fn look_at_all(&self) {
        for Kept { sample, value, .. } in &self.kept {
            let seen = Seen::from_owned(sample);
            if !self.damaged {
                seen.assert_is(value);
                let len = dispatch_dtype!(value.value.dtype, T => sample.view::<T>().map(|view| view.len()));
                assert_eq!(len.unwrap(), byte_len(&value.value.shape, 1));
            }
        }
        if let (Some(writer), false) = (&self.writer, self.damaged) {
            let payload = writer.payload_name();
            assert_eq!(payload.is_some(), self.channel.as_ref().unwrap().current.is_some());
            assert!(payload.is_none_or(|name| self.scratch.dir().join(name).is_file()));
            assert!(self.scratch.files().len() <= 2 + self.slots, "more files than a channel can need");
        }
    }

    fn finish(mut self) {
        self.look_at_all();
        self.close();
        self.look_at_all();
        for mut watch in self.readers.iter_mut().filter_map(Option::take) {
            let answer = watch.reader.latest_owned().map(|sample| sample.map(|sample| Seen::from_owned(&sample)));
            self.channel = None;
            if let Err(error) = answer {
                assert!(self.damaged, "after the end: {error:?}");
            }
        }
        self.kept.clear();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Read,
    Latest,
    Wait,
    /// In order.
    Next,
}

/// A reader's answer.
#[derive(Debug)]
struct Seen {
    number: u64,
    missed: u64,
    dtype: DType,
    shape: Vec<usize>,
    bytes: Vec<u8>,
    attributes: Vec<u8>,
    valid: bool,
}

impl Seen {
    fn from_borrowed(sample: &Sample<'_>) -> Self {
        let any = sample.any_view();
        let bytes = sample.as_bytes().to_vec();
        let valid = any.is_ok_and(|any| any.as_bytes().len() == bytes.len() && any.shape() == sample.shape());
        let shape = sample.shape().to_vec();
        std::hint::black_box((sample.time(), sample.epoch(), sample.incarnation()));
        let (number, missed, attributes) = (sample.seq(), sample.missed(), sample.attributes().to_vec());
        Self { number, missed, dtype: sample.dtype(), shape, bytes, attributes, valid }
    }

    fn from_owned(sample: &OwnedSample) -> Self {
        let any = sample.any_view();
        let bytes = sample.as_bytes().to_vec();
        let valid = any.is_ok_and(|any| any.as_bytes().len() == bytes.len() && any.shape() == sample.shape());
        let shape = sample.shape().to_vec();
        std::hint::black_box((sample.time(), sample.epoch(), sample.incarnation()));
        let (number, missed, attributes) = (sample.seq(), sample.missed(), sample.attributes().to_vec());
        Self { number, missed, dtype: sample.dtype(), shape, bytes, attributes, valid }
    }

    fn is(&self, published: &Published) -> bool {
        let Published { number, value, .. } = published;
        self.valid
            && (self.number, self.dtype, &self.shape) == (*number, value.dtype, &value.shape)
            && self.bytes == value.bytes
            && self.attributes == value.attributes
    }

    fn assert_is(&self, published: &Published) {
        let Published { number, value, .. } = published;
        assert_eq!((self.number, self.dtype, &self.shape), (*number, value.dtype, &value.shape));
        assert!(self.valid, "seen as an array");
        assert!(self.bytes == value.bytes, "value {number} has changed");
        assert!(self.attributes == value.attributes, "the attributes of value {number} have changed");
    }
}

fn is_same(a: Option<&Rc<Published>>, b: Option<&Rc<Published>>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if Rc::ptr_eq(a, b))
}

fn copy_of(sample: &OwnedSample) -> Value {
    let (shape, bytes, attributes) =
        (sample.shape().to_vec(), sample.as_bytes().to_vec(), sample.attributes().to_vec());
    Value { dtype: sample.dtype(), shape, bytes, attributes }
}

fn write_typed<T: ShElement + CheckedBitPattern>(writer: Writer<u8>, value: &Value) -> (Writer<u8>, Result<u64>) {
    let mut writer = writer.into_dtype::<T>();
    let elements = value.elements::<T>();
    let written = match value.attributes.as_slice() {
        [] => writer.write(&value.shape, &elements),
        attributes => writer.write_with(&value.shape, &elements, attributes),
    };
    (writer.into_dtype(), written)
}

/// Fills a loan, and publishes it or not.
fn lend_typed<T: ShElement + CheckedBitPattern>(
    writer: Writer<u8>,
    value: &Value,
    publish: bool,
) -> (Writer<u8>, Result<Option<u64>>) {
    let mut writer = writer.into_dtype::<T>();
    let elements = value.elements::<T>();
    let published = writer.loan(&value.shape).and_then(|mut loan| {
        assert_eq!(loan.as_mut_slice().len(), elements.len(), "a loan has the length that was asked for");
        assert_eq!(loan.view_mut().shape(), value.shape);
        loan.as_mut_slice().copy_from_slice(&elements);
        loan.set_attributes(&value.attributes)?;
        let bytes = |elements: &[T]| ArrayView::new(elements, &[elements.len()]).map(|view| view.as_bytes().to_vec());
        let stayed = bytes(loan.as_mut_slice()) == bytes(&elements);
        assert!(stayed, "attributes change no element");
        if publish { loan.publish().map(Some) } else { Ok(None) }
    });
    (writer.into_dtype(), published)
}

fn into_typed<T: ShElement>(reader: &mut Reader) -> Result<Option<Seen>> {
    let mut out = Vec::<T>::new();
    let Some(info) = reader.read_into(&mut out)? else { return Ok(None) };
    let bytes = ArrayView::new(&out, &[out.len()])?.as_bytes().to_vec();
    let (attributes, number, missed, dtype) = (info.attributes().to_vec(), info.seq, info.missed, info.dtype);
    Ok(Some(Seen { attributes, number, missed, dtype, shape: info.shape, bytes, valid: true }))
}
