//! Less memory for a control group than the file system has.
//!
//! Beyond it the kernel ends a process.

use crate::common::{Peer, TestDir};
use crate::peer::groups::MOST;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

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

#[test]
#[ignore = "needs root"]
fn what_a_group_may_not_have_is_refused() {
    let dir = TestDir::new();
    let group = Group::new();
    let mut child = Peer::start(&format!("in-group {}", group.0.display()), dir.path(), |_| {});
    assert_eq!(child.hear(), "joined");
    assert_eq!(child.ask("ask"), "refused");
    child.finish();
    assert_eq!(dir.files(), [""; 0]);
}
