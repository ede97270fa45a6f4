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
    let dir = TestDir::new();
    let mut writer = dir.options().create::<i32>(NAME).unwrap();
    writer.write(&[1], &[1]).unwrap();
    // SAFETY: the child does nothing but what follows, and ends without returning.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let refused = matches!(writer.write(&[1], &[2]), Err(Error::Forked));
        drop(writer);
        // SAFETY: takes a number; nothing of this process is needed any more.
        unsafe { libc::_exit(if refused { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: `status` is an integer that the call may write.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert!(pid > 0 && waited == pid && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0);
    writer.write(&[1], &[3]).unwrap();
    assert_eq!(next_i32(&mut dir.reader()), [3]);
}
