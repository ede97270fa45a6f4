//! What peers do: one program for the child processes of all tests.
//!
//! [`Peer`](crate::common::Peer) starts the running test binary once more, with a role in words.
//! Every test binary has all roles, so there is no second program that could be missing or stale.
//! In a binary with a test harness, [`program`] is the peer's main function. A binary without one
//! calls [`act`] first of all, which leaves the process a single thread.

#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod array;
#[cfg(target_os = "linux")]
mod attackers;
pub(crate) mod channel;
#[cfg(not(windows))]
pub(crate) mod compat;
#[cfg(all(target_os = "linux", feature = "async"))]
mod crowd;
#[cfg(unix)]
mod forks;
#[cfg(target_os = "linux")]
pub(crate) mod groups;
#[cfg(target_os = "linux")]
mod limits;
mod obedient;
pub(crate) mod random_kills;
#[cfg(target_os = "linux")]
mod sandbox;
#[cfg(target_os = "linux")]
pub(crate) mod squatters;
#[cfg(target_os = "linux")]
pub(crate) mod users;
mod victims;

use crate::common::{NAME, role};
use ndsharray::{ArrayOptions, Options};
use std::path::Path;

#[test]
#[ignore = "what peers run; other tests start them"]
fn program() {
    act();
}

/// Plays the role in a peer; returns whether this process is one.
pub(crate) fn act() -> bool {
    let Some((words, dir)) = role() else { return false };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    play(&words, &dir);
    true
}

/// Plays the role that `words` name.
///
/// Each role checks all that it reads. A panic is a failure that the parent sees in the exit
/// status.
fn play(words: &[&str], dir: &Path) {
    let options = Options::new().dir(dir);
    let slots = |slots: &str| options.clone().max_slots(slots.parse().unwrap());
    match *words {
        ["channel"] => channel::obey(&options),
        ["array", ref words @ ..] => array::act(words, &ArrayOptions::new().dir(dir)),
        #[cfg(not(windows))]
        ["compat", ref words @ ..] => compat::act(words, dir),

        // A writer and a reader that do as they are told.
        ["obey", count] => obedient::obey(&slots(count)),
        ["hold"] => obedient::hold(&options),

        // Those that die.
        ["write", first, count] => victims::write(&slots(count), first.parse().unwrap()),
        ["write-attributes", first, count] => victims::write_attributes(&slots(count), first.parse().unwrap()),
        ["keep", first, count] => victims::keep(&slots(count), first.parse().unwrap()),
        ["keep-values", first, count] => victims::keep_values(&slots(count), first.parse().unwrap()),
        ["read-in-order"] => victims::read_in_order(&options.clone().from_oldest(true)),
        ["read-lossless"] => victims::read_in_order(&options.clone().lossless(true)),
        ["records", first, count] => victims::write_records(&slots(count), first.parse().unwrap()),
        ["write-when-asleep", first] => victims::write_when_asleep(&options, dir, first.parse().unwrap()),
        ["remove"] => options.remove(NAME).unwrap(),
        ["anew", first, count] => victims::write_anew(&slots(count), dir, first.parse().unwrap()),
        ["last"] => victims::read_last(&options),
        ["read"] => victims::read(&options),
        ["read-once"] => victims::read_once(&options),
        ["follow"] => victims::follow(&options),
        ["ledger-writer"] => victims::write_without_end(&options),
        ["random-writer", run, count] => random_kills::writer(&slots(count), run.parse().unwrap()),
        ["lossless-reader", seed] => random_kills::lossless_reader(&options, seed.parse().unwrap()),
        ["random-reader", seed] => random_kills::reader(&options, seed.parse().unwrap()),
        #[cfg(target_os = "linux")]
        ["sandboxed", refusal, channels] => {
            sandbox::wait(&options, refusal.parse().unwrap(), channels.parse().unwrap());
        }
        #[cfg(all(target_os = "linux", feature = "async"))]
        ["sandboxed-tasks", refusal] => sandbox::tasks(&options, refusal.parse().unwrap()),
        #[cfg(all(target_os = "linux", feature = "async"))]
        ["short-of-descriptors"] => sandbox::short_of_descriptors(&options),
        #[cfg(all(target_os = "linux", feature = "async"))]
        ["crowd", channels] => crowd::wait(&options, channels.parse().unwrap()),
        #[cfg(all(unix, feature = "async"))]
        ["fork-watched"] => forks::watched(&options),
        #[cfg(unix)]
        ["fork"] => forks::parent(&options, dir),
        #[cfg(unix)]
        ["fork-loan"] => forks::loan(&options),
        #[cfg(unix)]
        ["fork-array"] => forks::array(&ArrayOptions::new().dir(dir)),
        #[cfg(unix)]
        ["fork-compat"] => forks::compat(&ndsharray::compat::Options::new().dir(dir)),

        // Other users.
        #[cfg(target_os = "linux")]
        ["as", user, ref words @ ..] => {
            users::become_user(user.parse().unwrap());
            play(words, dir);
        }
        #[cfg(target_os = "linux")]
        ["in-group", group] => groups::ask_for_too_much(&options, Path::new(group)),
        #[cfg(target_os = "linux")]
        ["be-refused"] => users::be_refused(&options, dir),
        #[cfg(target_os = "linux")]
        ["read-in-place"] => users::read_in_place(&options, dir),
        #[cfg(target_os = "linux")]
        ["copy"] => users::copy(&options),
        #[cfg(target_os = "linux")]
        ["look"] => attackers::look(&options),
        #[cfg(target_os = "linux")]
        ["lock-all"] => attackers::lock_all(dir),
        #[cfg(target_os = "linux")]
        ["hold-array"] => attackers::hold_array(&options),
        #[cfg(target_os = "linux")]
        ["wait-for-two"] => attackers::wait_for_two(&options),
        #[cfg(target_os = "linux")]
        ["requeue-all"] => attackers::requeue_all(dir),
        #[cfg(target_os = "linux")]
        ["squat", kind, file] => squatters::squat(kind, &dir.join(file), dir),
        #[cfg(target_os = "linux")]
        ["link-table"] => squatters::link_table(&options, dir),
        #[cfg(target_os = "linux")]
        ["squat-channel"] => squatters::squat_channel(&options),
        #[cfg(target_os = "linux")]
        ["meet-squatter", what, file] => squatters::meet(&options, what, &dir.join(file)),
        #[cfg(target_os = "linux")]
        ["trust", user] => squatters::trust(&options, user.parse().unwrap()),
        _ => panic!("no such role: {words:?}"),
    }
}
