//! Looking at damaged files.

use super::damage::{Reach, damage};
use super::input::Input;
use super::open::{answered, make};
use super::place::Place;
use super::values::filled;
use crate::compat;
use crate::element::dtype::DType;
use crate::error::Error;
use crate::inspect::Kind;
use crate::inspect::Report;
use crate::options::{ArrayOptions, Options};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Names that are used for one of each kind.
const NAMES: [&str; 2] = ["a", "b"];

/// Whatever the files of a directory hold, all that is listed can be looked at, in bounded time, and a look changes no byte of them.
///
/// Input: slots and readers; two channels, as for [`open`](super::open()); whether there is one in Python's format, and its length; then damage to the end.
pub fn inspect(data: &[u8]) {
    let mut input = Input::new(data);
    let place = Place::new();
    let options =
        Options::new().dir(place.dir()).max_slots(2 + input.below(6)).max_readers(1 + input.below(70)).persist(true);
    for name in NAMES {
        make(&options, name, &mut input);
    }
    drop(ArrayOptions::from(&options).create::<u16>(NAMES[0], &[3, 5]).unwrap());
    if input.below(2) == 1 {
        let array = filled(DType::C64, &[input.below(5), 3], 1);
        match compat::Options::new().dir(place.dir()).persist(true).create_any(NAMES[0]) {
            // Not made of files there.
            Err(Error::Unsupported { .. }) if cfg!(windows) => {}
            python => drop(python.unwrap().write_any(&array.any_view().unwrap()).unwrap()),
        }
    }
    sound(&options);
    for _ in 0..64 {
        if input.is_empty() {
            break;
        }
        damage(&mut input, &place, Reach::Unmapped);
    }
    let before = content(&place);
    for report in everything(&options) {
        for problem in &report.problems {
            answered(&problem.error);
            assert!(!problem.to_string().is_empty());
        }
        let _ = (report.memory(), report.is_in_use(), report.pinned());
        if let Some(value) = &report.value {
            let expected = crate::view::shape::byte_len(&value.shape, value.dtype.size()).unwrap();
            assert_eq!(value.byte_len, expected, "a value is as long as its shape says");
        }
    }
    assert!(content(&place) == before, "a look changes nothing");
}

/// Nothing is wrong with what the library has made, and nobody has it.
fn sound(options: &Options) {
    for report in everything(options) {
        assert!(report.problems.is_empty(), "{report:?}");
        assert_ne!(report.is_in_use(), Some(true));
        // A channel may have been made without a value.
        assert!(report.value.is_some() || report.kind == Kind::Channel, "{report:?}");
    }
}

fn everything(options: &Options) -> Vec<Report> {
    let listed = options.list().unwrap();
    let mut reports: Vec<_> = listed.iter().map(|found| options.look(&found.name, found.kind).unwrap()).collect();
    // What is not listed has an answer too.
    for name in NAMES {
        for kind in [Kind::Channel, Kind::Array, Kind::Python] {
            match options.look(name, kind) {
                Ok(report) => reports.push(report),
                Err(error) => answered(&error),
            }
        }
    }
    reports
}

fn content(place: &Place) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    place.files().into_iter().map(|path| (path.clone(), fs::read(path).ok())).collect()
}
