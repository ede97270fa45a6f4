//! The end of a channel, against newcomers, removers and successors.
//!
//! What a close leaves stays for the readers that are behind, and the last of them clears up.

use super::{Channel, Flaw, LEFT_OVER, Latest, Model, Pair, TAKEN_AWAY, Writer, spawn};
use crate::channel::{CloseSide, PinAttempt, Remains, State, StateWord};
use crate::sync::{AtomicU32, Ordering};
use loom::sync::Mutex;
use std::sync::Arc;

/// What there is of a channel beside the words of its slots.
struct Site {
    state: StateWord,
    /// The kernel's lock on the board: whether a party has it.
    ///
    /// The mutex stands for the order in which the kernel puts those that ask.
    lock: Mutex<bool>,
    /// Whether the files are there, as the file system says.
    ///
    /// It puts its answers in an order too.
    files: Mutex<bool>,
    /// The kernel's locks on the reader entries.
    lives: [AtomicU32; 2],
}

impl Site {
    fn new(living: usize) -> Arc<Self> {
        Arc::new(Self {
            state: StateWord::new(State::Open),
            // Its writer has it.
            lock: Mutex::new(true),
            files: Mutex::new(true),
            lives: core::array::from_fn(|entry| AtomicU32::new(u32::from(entry < living))),
        })
    }

    fn side<'a>(&'a self, channel: &'a Channel) -> CloseSide<'a, super::channel::Entry> {
        let Channel { latest, registered, entries, .. } = channel;
        CloseSide { state: &self.state, latest, registered, entries }
    }

    fn try_lock(&self) -> bool {
        let mut taken = self.lock.lock().unwrap();
        !std::mem::replace(&mut *taken, true)
    }

    fn unlock(&self) {
        *self.lock.lock().unwrap() = false;
    }

    fn has_files(&self) -> bool {
        *self.files.lock().unwrap()
    }

    fn remove_files(&self) {
        *self.files.lock().unwrap() = false;
    }

    fn is_alive(&self, entry: usize) -> bool {
        // Acquire, and Release where it is stored: the kernel's lock.
        self.lives[entry].load(Ordering::Acquire) != 0
    }
}

/// A party that may clear up.
struct Party<'a>(&'a Site);

impl Remains for Party<'_> {
    fn lives(&self, entry: usize) -> bool {
        self.0.is_alive(entry)
    }

    fn try_lock(&mut self) -> bool {
        // The name goes with the files.
        if !self.0.try_lock() {
            return false;
        }
        let has_name = self.0.has_files();
        if !has_name {
            self.0.unlock();
        }
        has_name
    }

    fn unlock(&mut self) {
        self.0.unlock();
    }

    fn remove(&mut self) {
        self.0.state.store(State::Closed);
        self.0.remove_files();
        self.0.unlock();
    }
}

/// [`CloseSide::clear_up`], or what a twin does instead.
fn clear_up(site: &Site, channel: &Channel, flaw: Flaw) {
    let side = site.side(channel);
    let mut party = Party(site);
    if flaw == Flaw::ClearsUpAtOneLook {
        let is_over = site.state.load().state() == State::Left && !side.is_behind(|entry| site.is_alive(entry));
        if is_over && party.try_lock() {
            party.remove();
        }
        return;
    }
    side.clear_up(&mut party);
}

/// A writer that has published closes.
fn close(site: &Site, channel: &Channel, flaw: Flaw) {
    let side = site.side(channel);
    if flaw != Flaw::LooksBeforeClosing {
        site.state.store(State::Left);
    }
    let is_behind = side.is_behind(|entry| site.is_alive(entry));
    site.state.store(State::Left);
    if !is_behind {
        return Party(site).remove();
    }
    site.unlock();
    if flaw != Flaw::NoLookAfterLock {
        clear_up(site, channel, flaw);
    }
}

/// Reads what is current, as a reader.
///
/// It is there for a reader that has not come to it, whatever has happened to the channel.
fn read(site: &Site, channel: &Channel, entry: usize) -> Option<Latest> {
    let side = channel.reader_side();
    let latest = side.latest();
    if latest.is_none() || side.try_pin(channel.pins(entry), latest) != PinAttempt::Pinned {
        return None;
    }
    assert!(site.has_files(), "{}", super::flaw::GONE);
    channel.slot(latest.slot()).payload.check(latest.number());
    side.unpin(channel.pins(entry));
    Some(latest)
}

/// A reader comes to the last value, and looks once whether the channel is closed.
fn read_and_clear_up(site: &Site, channel: &Channel, entry: usize, flaw: Flaw) {
    let Some(latest) = read(site, channel, entry) else { return };
    if flaw == Flaw::ClearsUpBeforeSaying {
        clear_up(site, channel, flaw);
    }
    channel.reader_side().tell(channel.pins(entry), latest.number());
    if flaw != Flaw::ClearsUpBeforeSaying && site.state.load().state() == State::Left {
        clear_up(site, channel, flaw);
    }
}

/// A reader goes.
fn leave(site: &Site, channel: &Channel, entry: usize, flaw: Flaw) {
    if flaw == Flaw::ClearsUpBeforeSaying {
        clear_up(site, channel, flaw);
    }
    channel.reader_side().tell(channel.pins(entry), u64::MAX);
    if flaw != Flaw::ClearsUpBeforeSaying {
        clear_up(site, channel, flaw);
    }
    channel.pins(entry).deregister(&channel.registered, entry);
    site.lives[entry].store(0, Ordering::Release);
}

/// The channel of a writer that has published one value, which no reader has read.
fn published(readers: usize, flaw: Flaw) -> (Arc<Channel>, Arc<Site>) {
    let channel = Channel::<Pair>::new(2, 2, readers);
    assert!(Writer::new(&channel, flaw).publish());
    (channel, Site::new(readers))
}

/// The writer closes while its readers go.
///
/// They read the last value first, or go without having read it.
fn last_ones_out(readers: usize, reads: bool, flaw: Flaw) {
    let (channel, site) = published(readers, flaw);
    let readers: Vec<_> = (0..readers)
        .map(|entry| {
            let site = Arc::clone(&site);
            spawn(&channel, move |channel| {
                if reads {
                    read_and_clear_up(&site, channel, entry, flaw);
                }
                leave(&site, channel, entry, flaw);
            })
        })
        .collect();
    close(&site, &channel, flaw);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    assert!(!site.has_files(), "{}", super::flaw::REMAINS);
}

/// The writer closes while a reader comes that finds it open, or closed.
fn newcomer(flaw: Flaw) {
    let (channel, site) = published(0, flaw);
    let reader = {
        let site = Arc::clone(&site);
        spawn(&channel, move |channel| {
            if !site.state.load().state().takes_readers() {
                return;
            }
            site.lives[0].store(1, Ordering::Release);
            channel.pins(0).register(&channel.registered, 0);
            if flaw == Flaw::NoLookAfterRegistering || site.state.load_registered().state().takes_readers() {
                read_and_clear_up(&site, channel, 0, flaw);
            }
            leave(&site, channel, 0, flaw);
        })
    };
    close(&site, &channel, flaw);
    reader.join().unwrap();
    assert!(!site.has_files(), "{}", super::flaw::REMAINS);
}

/// A reader clears up while a successor takes the channel over.
///
/// The writer has closed and left the value for that one reader, which comes to it.
fn successor(flaw: Flaw) {
    let (channel, site) = published(1, flaw);
    close(&site, &channel, Flaw::None);
    let reader = {
        let site = Arc::clone(&site);
        spawn(&channel, move |channel| {
            read_and_clear_up(&site, channel, 0, flaw);
        })
    };
    let mut took_over = false;
    if Party(&site).try_lock() {
        // It has the lock, and the name.
        took_over = site.state.load().state() == State::Left;
        site.state.store(State::Open);
        assert!(Writer::inherit(&channel, flaw).publish());
        site.unlock();
    }
    reader.join().unwrap();
    assert!(!took_over || site.has_files(), "{}", super::flaw::GONE);
    assert!(took_over || !site.has_files(), "{}", super::flaw::REMAINS);
}

/// The same with a remover in the successor's place: in either order, all goes, once.
fn remover(flaw: Flaw) {
    let (channel, site) = published(1, flaw);
    close(&site, &channel, Flaw::None);
    let reader = {
        let site = Arc::clone(&site);
        spawn(&channel, move |channel| {
            // Its value may have gone: it is told so, as the state is Closed by then.
            if site.has_files() {
                channel.reader_side().tell(channel.pins(0), channel.reader_side().latest().number());
                clear_up(&site, channel, flaw);
            }
        })
    };
    let mut party = Party(&site);
    if party.try_lock() {
        party.remove();
    }
    reader.join().unwrap();
    assert!(!site.has_files(), "{}", super::flaw::REMAINS);
    assert!(site.state.load().state() == State::Closed && site.try_lock(), "nobody has the lock");
}

#[test]
fn the_last_readers_of_a_close_clear_up() {
    for (readers, preemptions) in [(1, 4), (2, 2)] {
        for reads in [true, false] {
            println!("{readers} readers, which read first: {reads}");
            let model = Model {
                name: "the last readers of a close",
                preemptions,
                scenario: move |flaw| last_ones_out(readers, reads, flaw),
            };
            model.holds();
            model.rejects(Flaw::NoLookAfterLock, LEFT_OVER);
            // One that has read has said so before it goes.
            if !reads {
                model.rejects(Flaw::ClearsUpBeforeSaying, LEFT_OVER);
            }
        }
    }
}

#[test]
fn the_last_value_stands_for_a_newcomer_or_it_is_refused() {
    Model { name: "a newcomer at a close", preemptions: 4, scenario: newcomer }
        .holds()
        .rejects(Flaw::NoLookAfterRegistering, TAKEN_AWAY)
        .rejects(Flaw::LooksBeforeClosing, TAKEN_AWAY)
        .rejects(Flaw::NoLookAfterLock, LEFT_OVER);
}

#[test]
fn a_successor_keeps_what_it_has_taken_over() {
    Model { name: "a successor at the end of a close", preemptions: 4, scenario: successor }
        .holds()
        .rejects(Flaw::ClearsUpAtOneLook, TAKEN_AWAY);
}

#[test]
fn a_remover_and_the_last_reader_agree() {
    Model { name: "a remover at the end of a close", preemptions: 4, scenario: remover }.holds();
}
