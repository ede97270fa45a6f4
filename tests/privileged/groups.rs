//! Less memory for a control group than the file system has: beyond it the kernel ends a process.

use crate::common::{Child, NAME, Room, listen, say};
use ndsharray::{ArrayOptions, Error, Memory, Options};
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

/// Bytes that the group may have, and more than that.
const MOST: u64 = 64 << 20;
const TOO_MUCH: usize = 96 << 20;

/// A control group with little memory, gone with this.
struct Group(PathBuf);

impl Group {
    fn new() -> Self {
        let name = format!("ndsharray-test-{}", process::id());
        let top = Path::new("/sys/fs/cgroup");
        let (group, limit) = if top.join("memory").is_dir() {
            (top.join("memory").join(name), "memory.limit_in_bytes")
        } else {
            // Version 2 gives a group only what the one above it hands on. It may do so already.
            let _ = fs::write(top.join("cgroup.subtree_control"), "+memory");
            (top.join(name), "memory.max")
        };
        fs::create_dir(&group).unwrap();
        let group = Self(group);
        fs::write(group.0.join(limit), MOST.to_string()).expect("a memory controller");
        group
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The kernel may take a moment to count out the last process.
        crate::common::wait_until("the group is empty", || fs::remove_dir(&self.0).is_ok());
    }
}

/// In a child: joins the group, and asks for more than it has.
pub(crate) fn ask_for_too_much(options: &Options, group: &Path) {
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

#[test]
#[ignore = "needs root"]
fn what_a_group_may_not_have_is_refused() {
    let room = Room::new();
    let group = Group::new();
    let mut child = Child::start(&format!("in-group {}", group.0.display()), room.path(), |_| {});
    assert_eq!(child.hear(), "joined");
    assert_eq!(child.ask("ask"), "refused");
    child.finish();
    assert_eq!(room.files(), [""; 0]);
}
