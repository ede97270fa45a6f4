//! A look at a channel.

use super::files::{Notes, Opened};
use super::readers;
use super::report::{ChannelState, Details, Kind, Owner, Report, Role, Value};
use super::slots::{self, Missing};
use crate::channel::board::Board;
use crate::channel::record_types::ReadTypes;
use crate::channel::snapshot::BoardSnapshot;
use crate::element::element_type::ElementType;
use crate::element::record::record_type::RecordType;
use crate::error::{Error, Result};
use crate::files::listing::Listing;
use crate::files::location::Location;
use crate::files::owners::Owners;
use crate::files::trusted::payload_files;
use ndsharray_protocol::channel::State;

/// Attempts to look at a channel whose files do not fit each other.
///
/// Its writer may be exchanging them, and gets the time to finish.
const LOOKS: usize = 5;

/// Without a `listing` of the directory it is read.
pub(super) fn look(location: &Location, listing: Option<&Listing>) -> Result<Report> {
    let mut report = look_once(location, listing)?;
    for _ in 1..LOOKS {
        if report.problems.is_empty() {
            break;
        }
        std::thread::yield_now();
        report = look_once(location, listing)?;
    }
    Ok(report)
}

fn look_once(location: &Location, listing: Option<&Listing>) -> Result<Report> {
    let mut notes = Notes::default();
    let board_file = notes.open(location.board(), Role::Board);
    let board = board_file.as_ref().and_then(|file| board(file, &mut notes));
    let mut report = Report {
        name: location.name().to_owned(),
        kind: Kind::Channel,
        files: Vec::new(),
        value: None,
        writer: Owner {
            life: match &board_file {
                Some(file) => file.life(&Board::LOCK),
                None => notes.life_without(&location.board()),
            },
            pid: board.as_ref().and_then(|board| board.hot()?.pid()),
        },
        readers: Vec::new(),
        readers_known: true,
        max_readers: 0,
        details: Details::Channel {
            state: None,
            epoch: 0,
            history: 0,
            waits: false,
            began_here: false,
            slots: Vec::new(),
        },
        problems: Vec::new(),
    };
    match (&board_file, &board) {
        (Some(file), Some(board)) => describe(&mut report, file, board, location, &mut notes),
        _ => {
            let seen = readers::living(location, &mut notes);
            (report.readers, report.readers_known) = (seen.readers, seen.known);
            // A board without a head and without anything wrong is still being made, or its maker
            // died.
            let state = board_file.as_ref().filter(|_| notes.problems.is_empty()).map(|_| ChannelState::Starting);
            report.details =
                Details::Channel { state, epoch: 0, history: 0, waits: false, began_here: false, slots: Vec::new() };
        }
    }
    notes.file(location.types(), Role::Types);
    // Payload files that no slot names.
    let payloads = listing.map_or_else(|| payload_files(location), |listing| Ok(listing.payloads(location)))?;
    for id in payloads {
        let path = location.payload(id);
        if !notes.files.iter().any(|file| file.path == path) {
            notes.file(path, Role::Unnamed);
        }
    }
    if notes.files.is_empty() && notes.problems.is_empty() {
        return Err(Error::not_found(location.board()));
    }
    if board_file.is_none() && notes.problems.is_empty() {
        notes.problem(&location.board(), Error::not_found(location.board()));
    }
    report.files = notes.files;
    report.problems = notes.problems;
    Ok(report)
}

/// What the records of the current value consist of, if they are such.
fn record(element: ElementType, board: &BoardSnapshot, location: &Location, notes: &mut Notes) -> Option<RecordType> {
    let found = ReadTypes::default().of(location, Owners::Anyone, board.head.lineage, element);
    found.unwrap_or_else(|error| {
        notes.problem(&location.types(), error);
        None
    })
}

/// A copy of the board.
///
/// `None` while it has no head, and when it cannot be read, which is noted.
fn board(file: &Opened, notes: &mut Notes) -> Option<BoardSnapshot> {
    match file.front(BoardSnapshot::longest()).map(|bytes| BoardSnapshot::of(&bytes)) {
        Ok(Ok(board)) => board,
        Ok(Err(error)) => {
            notes.problem(&file.path, error);
            None
        }
        Err(error) => {
            notes.problem(&file.path, error);
            None
        }
    }
}

/// Fills in the report of a channel with a board.
fn describe(report: &mut Report, file: &Opened, board: &BoardSnapshot, location: &Location, notes: &mut Notes) {
    let Some(hot) = board.hot() else { return };
    let state = match hot.standing.load().state() {
        State::Starting => ChannelState::Starting,
        State::Open => ChannelState::Open,
        // What is left stands for the readers that it had; to all others it is closed.
        State::Closed | State::Left => ChannelState::Closed,
        State::Kept => ChannelState::Kept,
    };
    report.max_readers = board.head.readers as usize;
    if state != ChannelState::Starting {
        let seen = readers::look(location, &board.head, hot.latest.load().number(), notes);
        (report.readers, report.readers_known, report.max_readers) = (seen.readers, seen.known, seen.most);
    }
    let mut slots = match slots::all(file, board, location, notes) {
        Ok(slots) => slots,
        Err(error) => {
            notes.problem(&file.path, error);
            Vec::new()
        }
    };
    for reader in &report.readers {
        for &pin in &reader.pins {
            if let Some(slot) = slots.get_mut(pin) {
                slot.pinned_by.push(reader.index);
            }
        }
    }
    report.value = match slots::current(file, board, location) {
        Ok(found) => found.map(|value| Value {
            record: record(value.element_type, board, location, notes),
            element_type: value.element_type.with_description(0),
            ..value
        }),
        Err(Missing { slot, error }) => {
            // Where all slots are listed it has been noted already.
            if !notes.problems.iter().any(|problem| problem.slot.is_some() && problem.slot == slot) {
                match slot {
                    Some(slot) => notes.slot_problem(&file.path, slot, error),
                    None => notes.problem(&file.path, error),
                }
            }
            None
        }
    };
    let terms = hot.terms();
    // A board of a writer that said nothing keeps the current value.
    let history = usize::from(terms.history).max(1);
    report.details = Details::Channel {
        state: Some(state),
        epoch: hot.epoch(),
        history,
        waits: terms.waits,
        began_here: board.head.channel == board.head.lineage,
        slots,
    };
}
