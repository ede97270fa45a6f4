//! Files that ndsharray did not create. The tool never writes, cuts or removes them.

use super::summary::state;
use crate::args::Globals;
use crate::failure::{Exit, Failure};
use crate::output::quoted;
use ndsharray::inspect::{Kind, Report, Role};
use ndsharray::{Error, Foreign, HeaderError};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Lists a report's files that ndsharray did not create, judging by their bytes.
pub(crate) fn files(globals: &Globals, report: &Report) -> Vec<PathBuf> {
    // Beside one of our boards, a reader table without its magic is ours, and damaged.
    let damaged = |path: &Path| state(report).is_some() && path.extension() == Some(OsStr::new("ndsh-readers"));
    let unknown = report.problems.iter().filter(|problem| match &problem.error {
        Error::Corrupt(_) if damaged(&problem.path) => false,
        Error::Corrupt(HeaderError::Magic { .. }) => true,
        // Too short for a header, so the library did not look at the magic.
        Error::Corrupt(HeaderError::Truncated { .. }) => !starts_as_ours(&problem.path),
        Error::ForeignOwner { what, .. } => *what != Foreign::OtherUser,
        _ => false,
    });
    let mut found: Vec<_> = unknown.map(|problem| problem.path.clone()).collect();
    // Too short for the library to have looked: a process may be about to write the header.
    let own =
        report.files.iter().filter(|file| matches!(file.role, Role::Board | Role::Readers | Role::Types | Role::Array));
    let short = own.filter(|file| file.len < SHORT && !damaged(&file.path) && !starts_as_ours(&file.path));
    found.extend(short.map(|file| file.path.clone()));
    if report.kind == Kind::Python && !report.problems.is_empty() {
        // Listing the unused files checks on the way whether they are Python's.
        if let Err(Error::NotOurs { path, .. }) = globals.compat_options().unused(&report.name, Duration::MAX) {
            found.push(path);
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The failure of a command that meets such files.
pub(crate) fn refusal(paths: &[PathBuf]) -> Failure {
    Failure::new(Exit::Corrupt, described(paths)).advise(by_hand(paths))
}

/// Names the files, and says that ndsharray did not create them.
pub(crate) fn described(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    let what = if paths.len() == 1 { "a file" } else { "files" };
    format!("{}: {what} that ndsharray has not made", names.join(", "))
}

/// Tells how to remove the files by hand.
pub(crate) fn by_hand(paths: &[PathBuf]) -> String {
    let quoted: Vec<_> = paths.iter().map(|path| quoted(&path.to_string_lossy())).collect();
    let command = if paths.iter().any(|path| path.is_dir()) { "rm -r" } else { "rm" };
    format!("choose another name; or, if no program needs it, remove it by hand: `{command} -- {}`", quoted.join(" "))
}

/// Files shorter than this, in bytes, are incomplete; the library looks only at longer ones.
const SHORT: u64 = 64;

/// Whether a file starts with the magic that its name promises, or with zeros.
///
/// A file that cannot be read gets the benefit of the doubt.
fn starts_as_ours(path: &Path) -> bool {
    let magic: &[u8; 8] = match path.extension().and_then(OsStr::to_str) {
        Some("ndsh") => b"NDSHBORD",
        Some("ndsh-readers") => b"NDSHREAD",
        Some("ndsh-types") => b"NDSHTYPE",
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

/// Reads the first bytes of a file.
fn front(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut front = Vec::new();
    File::open(path)?.take(most as u64).read_to_end(&mut front)?;
    Ok(front)
}
