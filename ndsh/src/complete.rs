//! What TAB offers: names of channels and arrays, and dtypes.

use crate::args::Globals;
use crate::files::npy;
use clap_complete::CompleteEnv;
use clap_complete::engine::CompletionCandidate;
use ndsharray::DType;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The variable by which a shell asks for completions.
pub(crate) const VARIABLE: &str = "NDSH_COMPLETE";

/// Answers a shell that asks for completions, and ends the process; otherwise does nothing.
pub(crate) fn answer(program: fn() -> clap::Command) {
    if std::env::var_os(VARIABLE).is_some() {
        CompleteEnv::with_factory(program).var(VARIABLE).bin("ndsh").complete();
    }
}

/// The channels and arrays whose names begin so.
pub(crate) fn names(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else { return Vec::new() };
    let args: Vec<_> = std::env::args_os().collect();
    let globals = Globals { dir: dir(&args), ..Globals::default() };
    let Ok(listed) = globals.options().list() else { return Vec::new() };
    // Shells differ in how they quote a word, so only words are offered that need no quotes.
    let is_plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "._-+@%,/".contains(c));
    let mut found = listed.into_iter().filter(|found| found.name.starts_with(current) && is_plain(&found.name));
    let mut candidates: Vec<CompletionCandidate> = Vec::new();
    let mut last = String::new();
    for one in found.by_ref() {
        // A channel and an array may share a name.
        if one.name != last {
            candidates.push(CompletionCandidate::new(&one.name).help(Some(one.kind.to_string().into())));
            last = one.name;
        }
    }
    candidates
}

/// The directory that the command line names with --dir.
///
/// The words to complete follow the first `--`.
fn dir(args: &[OsString]) -> Option<PathBuf> {
    let mut words = args.iter().skip_while(|word| *word != "--").skip(1);
    let mut found = None;
    while let Some(word) = words.next() {
        if word == "--dir" {
            found = words.next().map(PathBuf::from);
        } else if let Some(dir) = word.to_str().and_then(|word| word.strip_prefix("--dir=")) {
            found = Some(dir.into());
        }
    }
    found.filter(|dir| !dir.as_os_str().is_empty())
}

/// The dtypes whose names begin so, of those that the arguments take.
pub(crate) fn dtypes(current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_str().unwrap_or_default();
    let names = DType::ALL.iter().map(|dtype| dtype.name()).filter(|name| npy::dtype(name).is_ok());
    names.filter(|name| name.starts_with(current)).map(CompletionCandidate::new).collect()
}

/// The same, followed by a shape.
pub(crate) fn layouts(current: &OsStr) -> Vec<CompletionCandidate> {
    let names = dtypes(current);
    names.into_iter().map(|name| CompletionCandidate::new(format!("{}:", name.get_value().to_string_lossy()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_names_the_directory() {
        let dir = |words: &[&str]| dir(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(dir(&["ndsh", "--", "ndsh", "--dir", "/a", "get", "x"]), Some("/a".into()));
        assert_eq!(dir(&["ndsh", "--", "ndsh", "get", "--dir=/b"]), Some("/b".into()));
        assert_eq!(dir(&["ndsh", "--", "ndsh", "get", "--dir"]), None);
        assert_eq!(dir(&["ndsh", "--dir", "/a"]), None);
    }

    #[test]
    fn dtypes_by_their_beginning() {
        let found = dtypes(OsStr::new("uint"));
        let names: Vec<_> = found.iter().map(|one| one.get_value().to_str().unwrap()).collect();
        assert_eq!(names, ["uint8", "uint16", "uint32", "uint64"]);
    }
}
