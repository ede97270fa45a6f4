//! Asks for more memory than the control group has.

use crate::common::{NAME, listen, say};
use ndsharray::{ArrayOptions, Error, Memory, Options};
use std::fs;
use std::path::Path;
use std::process;

/// Bytes that the group may have, and more than that.
pub(crate) const MOST: u64 = 64 << 20;

const TOO_MUCH: usize = 96 << 20;

/// Joins the group, and asks for more than it has.
pub(super) fn ask_for_too_much(options: &Options, group: &Path) {
    fs::write(group.join("cgroup.procs"), process::id().to_string()).unwrap();
    let mut writer = options.create::<u8>(NAME).unwrap();
    let mut reader = options.open(NAME).unwrap();
    writer.write(&[5 << 20], &vec![1; 5 << 20]).unwrap();
    say("joined");
    assert_eq!(listen().as_deref(), Some("ask"));
    let refused = |error: Error| match error {
        Error::OutOfMemory { requested, available, memory: Memory::Group, .. } => {
            assert!(requested >= TOO_MUCH as u64 && available < MOST, "{available} of {requested}");
        }
        other => panic!("{other}"),
    };
    for _ in 0..3 {
        refused(writer.loan(&[TOO_MUCH]).unwrap_err());
        refused(ArrayOptions::from(options).create::<u8>(NAME, &[TOO_MUCH]).unwrap_err());
    }
    writer.write(&[6 << 20], &vec![2; 6 << 20]).unwrap();
    assert!(reader.read().unwrap().unwrap().as_bytes().iter().all(|byte| *byte == 2));
    say("refused");
}
