//! Child processes that use a channel or array, and can be killed.

use crate::common::{Peer, listen, role, say};
use crate::support::TestDir;
use ndsharray::{ArrayOptions, Options, SharedArray};

/// Starts a process, and waits until it uses `name`.
///
/// As `writer`, `reader`, `array` (created, with the lock held to write) or `handle`.
pub(crate) fn hold(dir: &TestDir, what: &str, name: &str) -> Peer {
    let mut child = Peer::start(&format!("{what} {name}"), dir.path(), |command| {
        command.env("NDSHARRAY_DIR", dir.path());
    });
    assert_eq!(child.hear(), "ready");
    child
}

/// Has a process create something, and end.
///
/// `kept` is a channel with a value, `closed` an array, `python` a channel in Python's format. If
/// this process created it, it could seem to be in use for a moment: a child that another test has
/// just forked has its files open too, until it calls `exec`.
pub(crate) fn leave(dir: &TestDir, what: &str, name: &str) {
    hold(dir, what, name).finish();
}

pub(crate) fn act() {
    let Some((words, _)) = role() else { return };
    let [what, name] = words.as_slice() else { panic!("{words:?}") };
    let options = Options::new();
    match what.as_str() {
        "writer" => {
            let mut writer = options.create::<u8>(name).unwrap();
            writer.write(&[2, 3], &[1, 2, 3, 4, 5, 6]).unwrap();
            ready();
        }
        "reader" => {
            let mut reader = options.open(name).unwrap();
            let _held = reader.latest().unwrap().unwrap();
            ready();
        }
        "array" => {
            let array: SharedArray<f64> = ArrayOptions::from(&options).create(name, &[4]).unwrap();
            let _alone = array.write().unwrap();
            ready();
        }
        "handle" => {
            let _array: SharedArray<f64> = ArrayOptions::from(&options).open(name).unwrap();
            ready();
        }
        "kept" => {
            options.persist(true).create::<u8>(name).unwrap().write(&[1], &[1]).unwrap();
            ready();
        }
        "closed" => {
            drop(ArrayOptions::from(&options).create::<u8>(name, &[1]).unwrap());
            ready();
        }
        "python" => {
            let options = ndsharray::compat::Options::new().persist(true);
            options.create::<i16>(name).unwrap().write(&[4], &[1; 4]).unwrap();
            ready();
        }
        other => panic!("{other}"),
    }
}

/// Says so, and waits for the end of the parent.
fn ready() {
    say("ready");
    listen();
}
