//! What is not provably ndsharray's, and so stays whatever is asked for.

use crate::args::Globals;
use crate::describe::state;
use crate::exit::Exit;
use crate::failure::Failure;
use ndsharray::inspect::{Kind, Report, Role};
use ndsharray::{Error, Foreign, HeaderError};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Files of a report that ndsharray has not made, as far as its bytes can tell.
pub(crate) fn foreign(globals: &Globals, report: &Report) -> Vec<PathBuf> {
    // A table without its magic beside a board of ours is a damaged one of ours.
    let damaged = |path: &Path| state(report).is_some() && path.extension() == Some(OsStr::new("ndsh-readers"));
    let unknown = report.problems.iter().filter(|problem| match &problem.error {
        Error::Corrupt(_) if damaged(&problem.path) => false,
        Error::Corrupt(HeaderError::Magic { .. }) => true,
        // Too short for a head, and so without a word on its magic.
        Error::Corrupt(HeaderError::Truncated { .. }) => !starts_as_ours(&problem.path),
        Error::ForeignOwner { what, .. } => *what != Foreign::OtherUser,
        _ => false,
    });
    let mut found: Vec<_> = unknown.map(|problem| problem.path.clone()).collect();
    // Too short for a report to have looked at its head, which may be about to be made.
    let own = report.files.iter().filter(|file| matches!(file.role, Role::Board | Role::Readers | Role::Array));
    let short = own.filter(|file| file.len < SHORT && !damaged(&file.path) && !starts_as_ours(&file.path));
    found.extend(short.map(|file| file.path.clone()));
    if report.kind == Kind::Python && !report.problems.is_empty() {
        // Lists what nobody has, and so looks at what it is.
        if let Err(Error::NotOurs { path, .. }) = globals.compat_options().unused(&report.name, Duration::MAX) {
            found.push(path);
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Says which files are in the way.
pub(crate) fn refusal(paths: &[PathBuf]) -> Failure {
    Failure::new(Exit::Corrupt, described(paths)).advise(by_hand(paths))
}

/// Names files that ndsharray has not made, and says so.
pub(crate) fn described(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    let what = if paths.len() == 1 { "a file" } else { "files" };
    format!("{}: {what} that ndsharray has not made", names.join(", "))
}

/// How to remove what this program refuses to.
pub(crate) fn by_hand(paths: &[PathBuf]) -> String {
    let quoted: Vec<_> = paths.iter().map(|path| quoted(&path.to_string_lossy())).collect();
    let command = if paths.iter().any(|path| path.is_dir()) { "rm -r" } else { "rm" };
    format!("choose another name; or, if no program needs it, remove it by hand: `{command} -- {}`", quoted.join(" "))
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:@%,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Files below so many bytes are not whole; larger ones have been looked at.
const SHORT: u64 = 64;

/// Whether a file of this library's name starts as one, or with zeros; also one that cannot be read.
fn starts_as_ours(path: &Path) -> bool {
    let magic: &[u8; 8] = match path.extension().and_then(OsStr::to_str) {
        Some("ndsh") => b"NDSHBORD",
        Some("ndsh-readers") => b"NDSHREAD",
        _ => b"NDSHARRY",
    };
    if !path.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
        return false;
    }
    match front(path, magic.len()) {
        Ok(front) => front == magic || front.iter().all(|&byte| byte == 0),
        Err(_) => true,
    }
}

/// The first bytes.
fn front(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut front = Vec::new();
    File::open(path)?.take(most as u64).read_to_end(&mut front)?;
    Ok(front)
}
