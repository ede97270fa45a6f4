//! Exit codes. Scripts rely on them: a number, once given, keeps its meaning.

use std::process::ExitCode;

/// How a failed command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Whatever has no code of its own.
    Failure = 1,
    /// Arguments that cannot be; clap ends with the same number.
    Usage = 2,
    /// No such channel, array or file.
    NotFound = 3,
    /// The shared bytes are not what they should be.
    Corrupt = 4,
    /// Somebody living has it.
    InUse = 5,
    /// The operating system, or the trust in owners, does not allow it.
    Denied = 6,
    /// No shared memory left.
    Full = 7,
    /// `doctor` found something that does not work.
    Findings = 8,
    /// Nothing came in the time given.
    TimedOut = 9,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// For `--help`, the man page, and the README.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done; also when whoever reads the output has had enough
  1  failed in a way that has no code of its own
  2  wrong usage
  3  no such channel, array or file
  4  corrupt, or not ndsharray's
  5  in use by a living process
  6  no permission, or another user's files (see --any-owner)
  7  shared memory is full
  8  `doctor` found something that does not work
  9  nothing came in the time given
  130  a second Ctrl-C, before the first one's end was reached";
