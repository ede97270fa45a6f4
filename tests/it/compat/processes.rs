//! Across processes: death, and forks.

use crate::common::Peer;
use crate::compat::support::{NAME, TestDir, next_i32};
use ndsharray::Error;

/// The last value of a killed writer stays readable.
///
/// The next writer goes on from there, and removes what the dead one left.
#[test]
fn a_killed_writer_is_succeeded() {
    let dir = TestDir::new();
    let mut child = Peer::start("compat write-and-stay", dir.path(), |_| ());
    assert_eq!(child.hear(), "written");
    let exists = dir.options().create::<i32>(NAME);
    child.kill();
    assert!(matches!(exists, Err(Error::WriterExists { .. })));

    let mut reader = dir.reader();
    assert_eq!(next_i32(&mut reader), [20, -20]);
    assert!(dir.options().leftovers(NAME).unwrap().len() >= 2);
    let mut writer = dir.options().create::<i32>(NAME).unwrap();
    assert_eq!(dir.options().leftovers(NAME).unwrap(), [], "they are the new writer's");
    writer.write(&[1], &[7]).unwrap();
    assert_eq!(next_i32(&mut reader), [7]);
    drop(writer);
    assert_eq!(dir.files(), Vec::<String>::new());
}

#[test]
fn a_forked_child_does_nothing_to_the_channel() {
    Peer::start("fork-compat", TestDir::new().path(), |_| {}).finish();
}
