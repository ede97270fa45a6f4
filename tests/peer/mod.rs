//! What children do, and as whom.

use crate::common::{self, roles};
use crate::{attackers, groups, squatters, users};
use ndsharray::Options;
use std::path::Path;

/// Becomes another user, for good.
fn become_user(user: u32) {
    // SAFETY: takes a number and an empty list of groups.
    let mut failed = unsafe { libc::setgroups(0, std::ptr::null()) } != 0;
    // SAFETY: takes a number.
    failed |= unsafe { libc::setgid(user) } != 0;
    // SAFETY: takes a number.
    failed |= unsafe { libc::setuid(user) } != 0;
    assert!(!failed, "cannot become user {user}");
}

#[test]
#[ignore = "the body of child processes, started by other tests"]
fn body() {
    let Some((words, dir)) = common::role() else { return };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut words = words.as_slice();
    if let ["as", user, rest @ ..] = words {
        become_user(user.parse().unwrap());
        words = rest;
    }
    let options = Options::new().dir(&dir);
    match *words {
        ["obey", slots] => roles::obey(&options.max_slots(slots.parse().unwrap())),
        ["in-group", group] => groups::ask_for_too_much(&options, Path::new(group)),
        ["hold"] => roles::hold(&options),
        ["be-refused"] => users::be_refused(&options, &dir),
        ["read-in-place"] => users::read_in_place(&options, &dir),
        ["copy"] => users::copy(&options),
        ["look"] => attackers::look(&options),
        ["lock-all"] => attackers::lock_all(&dir),
        ["hold-array"] => attackers::hold_array(&options),
        ["wait-for-two"] => attackers::wait_for_two(&options),
        ["requeue-all"] => attackers::requeue_all(&dir),
        ["squat", kind, file] => squatters::squat(kind, &dir.join(file), &dir),
        ["link-table"] => squatters::link_table(&options, &dir),
        ["squat-channel"] => squatters::squat_channel(&options),
        ["meet-squatter", what, file] => squatters::meet(&options, what, &dir.join(file)),
        ["trust", user] => squatters::trust(&options, user.parse().unwrap()),
        _ => panic!("no such role: {words:?}"),
    }
}
