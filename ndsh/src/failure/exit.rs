//! Exit codes. Scripts rely on them: a number, once given, keeps its meaning.

use std::process::ExitCode;

/// How a failed command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Everything without a code of its own.
    Failure = 1,
    /// Wrong arguments; clap ends with the same number.
    Usage = 2,
    /// No such channel, array or file.
    NotFound = 3,
    /// The bytes are not what they should be.
    Corrupt = 4,
    /// A living process uses it.
    InUse = 5,
    /// The operating system, or the trust in owners, does not allow it.
    Denied = 6,
    /// No shared memory left.
    Full = 7,
    /// `doctor` found something that does not work.
    Findings = 8,
    /// Nothing came in the time given.
    TimedOut = 9,
    /// Ctrl-C came before the first value.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Each code and its meaning, for `--help`, the manual pages, and the README.
pub(crate) const CODES: [(u8, &str); 11] = [
    (0, "done; also when the program that reads the output has ended"),
    (1, "failed in a way that has no code of its own, such as output that cannot be written"),
    (2, "wrong usage"),
    (3, "no such channel, array or file"),
    (4, "corrupt, or not ndsharray's"),
    (5, "in use by a living process"),
    (6, "no permission, or another user's files (see --any-owner)"),
    (7, "shared memory is full"),
    (8, "`doctor` found something that does not work"),
    (9, "nothing came in the time given"),
    (130, "Ctrl-C before the first value, or a second Ctrl-C"),
];

/// The table at the end of `--help`.
pub(crate) fn help() -> String {
    let lines = CODES.iter().map(|(code, meaning)| format!("\n  {code:<3}  {meaning}"));
    format!("Exit codes:{}", lines.collect::<String>())
}
