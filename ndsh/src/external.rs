//! Commands of other programs: `ndsh foo` runs `ndsh-foo`.

use crate::args::{Color, Globals};
use crate::failure::Failure;
use clap::FromArgMatches;
use clap::error::ErrorKind;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How the names of these programs begin.
const PREFIX: &str = "ndsh-";

/// Runs the program that the command line means, if there is one, in place of this process.
///
/// Returns `None` if there is none, else why it cannot be run.
pub(crate) fn run(error: &clap::Error, program: clap::Command) -> Option<Failure> {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let matches = program.allow_external_subcommands(true).try_get_matches().ok()?;
    let (name, given) = matches.subcommand()?;
    let path = find(name)?;
    let globals = Globals::from_arg_matches(&matches).ok()?;
    let mut command = Command::new(&path);
    if let Some(dir) = &globals.dir {
        command.env("NDSHARRAY_DIR", dir);
    }
    match globals.color {
        Color::Auto => {}
        Color::Always => drop(command.env("CLICOLOR_FORCE", "1").env_remove("NO_COLOR")),
        Color::Never => drop(command.env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE")),
    }
    if globals.any_owner {
        command.arg("--any-owner");
    }
    command.args(given.get_many::<OsString>("").into_iter().flatten());
    Some(Failure::from(command.exec()).context(path.display()))
}

/// The program that stands for a command.
fn find(name: &str) -> Option<PathBuf> {
    // A path is no name of a command.
    if name.contains('/') {
        return None;
    }
    directories().map(|dir| dir.join(format!("{PREFIX}{name}"))).find(|path| is_program(path))
}

/// The commands of other programs, with their paths, for help.
pub(crate) fn commands() -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for dir in directories() {
        for entry in dir.read_dir().into_iter().flatten().flatten() {
            let name = entry.file_name();
            let command = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).filter(|name| !name.is_empty());
            if let Some(command) = command
                && is_program(&entry.path())
            {
                // The first one on the path is the one that runs.
                found.entry(command.to_owned()).or_insert_with(|| entry.path());
            }
        }
    }
    found
}

/// The directories of PATH. An empty entry would be the current directory, and counts as none.
fn directories() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs: Vec<_> = std::env::split_paths(&path).filter(|dir| !dir.as_os_str().is_empty()).collect();
    dirs.into_iter()
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Whether the command line asks for help, which lists these commands.
pub(crate) fn is_help_wanted() -> bool {
    let is_help = |word: &OsStr| matches!(word.as_bytes(), b"--help" | b"-h" | b"help");
    std::env::args_os().skip(1).any(|word| is_help(&word))
}
