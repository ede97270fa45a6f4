//! Looks at damaged files.

use crate::damage::{Reach, damage};
use crate::input::Input;
use crate::open::{answered, make};
use crate::scratch::Scratch;
use crate::values::{Value, byte_len};
use ndsharray::inspect::{Kind, Report};
use ndsharray::{ArrayOptions, DType, Error, Options, compat};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Names that are used for one of each kind.
const NAMES: [&str; 2] = ["a", "b"];

/// Whatever the files of a directory hold, a look at each listed name answers in bounded time.
///
/// A look changes no byte.
///
/// Input: slots and readers; two channels, as for [`open`](super::open()); whether there is one in
/// Python's format, and its length; then damage to the end.
///
/// # Panics
///
/// The property does not hold.
pub fn inspect(data: &[u8]) {
    let mut input = Input::new(data);
    let scratch = Scratch::new();
    let options =
        Options::new().dir(scratch.dir()).max_slots(2 + input.below(6)).max_readers(1 + input.below(70)).persist(true);
    for name in NAMES {
        make(&options, name, &mut input);
    }
    drop(ArrayOptions::from(&options).create::<u16>(NAMES[0], &[3, 5]).unwrap());
    if input.below(2) == 1 {
        let value = Value::filled(DType::C64, &[input.below(5), 3], 1);
        match compat::Options::new().dir(scratch.dir()).persist(true).create_any(NAMES[0]) {
            // On Windows such channels are not made of files.
            Err(Error::Unsupported { .. }) if cfg!(windows) => {}
            python => {
                let mut python = python.unwrap();
                value.with_view(|view| python.write_any(view)).unwrap();
            }
        }
    }
    sound(&options);
    for _ in 0..64 {
        if input.is_empty() {
            break;
        }
        damage(&mut input, &scratch, Reach::Unmapped);
    }
    let before = content(&scratch);
    for report in everything(&options) {
        for problem in &report.problems {
            answered(&problem.error);
            assert!(!problem.to_string().is_empty());
        }
        let _ = (report.memory(), report.is_in_use(), report.pinned());
        if let Some(value) = &report.value {
            let expected = byte_len(&value.shape, value.dtype.size());
            assert_eq!(value.byte_len, expected, "a value is as long as its shape says");
        }
    }
    assert!(content(&scratch) == before, "a look changes nothing");
}

/// Checks that the library's own files have no problem, and no user.
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
    // Names that are not listed have an answer too.
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

fn content(scratch: &Scratch) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    scratch.files().into_iter().map(|path| (path.clone(), fs::read(path).ok())).collect()
}
