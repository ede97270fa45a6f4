//! `ndsh rm NAME...`

use crate::advice::Situation;
use crate::args::{Globals, KindArg, one_kind};
use crate::complete::names;
use crate::failure::{Exit, Failure, Result};
use crate::output::printable;
use crate::reports::{foreign, mappers};
use clap_complete::ArgValueCompleter;
use ndsharray::Error;
use ndsharray::inspect::Kind;
use std::time::Duration;

/// Remove channels and shared arrays that no living process uses
///
/// The kernel proves which processes live: by the locks of writers, readers and handles. For files
/// of Python's ndsharray it grants a lease only if no process has the file open or mapped. Prints
/// nothing.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Channels or arrays to remove
    #[arg(required = true, value_name = "NAME", add = ArgValueCompleter::new(names))]
    names: Vec<String>,
    /// Kind, if several have the name
    #[arg(long, value_name = "KIND")]
    kind: Option<KindArg>,
    /// Also remove what living readers or handles use
    ///
    /// They keep it until they close it. A channel whose writer is known to live is never removed.
    #[arg(long)]
    pub(super) force: bool,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let mut failed = Vec::new();
    for name in &args.names {
        if let Err(failure) = remove(name, args, globals) {
            failed.push(failure.context(format!("cannot remove {}", printable(name))).about(name));
        }
    }
    // All failures are reported; the last one ends the program.
    let last = failed.pop();
    let situation = Situation { globals, command: "rm", name: None, could_force: !args.force };
    failed.iter().for_each(|failure| situation.report(failure));
    last.map_or(Ok(()), Err)
}

fn remove(name: &str, args: &Args, globals: &Globals) -> Result<()> {
    let options = globals.options();
    match (one_kind(globals, name, args.kind)?, args.force) {
        (Kind::Channel, false) => options.remove_unused(name)?,
        (Kind::Channel, true) => options.remove(name)?,
        (Kind::Array, false) => options.remove_unused_array(name)?,
        (Kind::Array, true) => options.remove_array(name)?,
        (Kind::Python, true) => globals.compat_options().remove(name)?,
        (Kind::Python, false) => python(name, globals)?,
        (other, _) => return Err(Failure::new(Exit::Usage, format!("cannot remove a {other}"))),
    }
    Ok(())
}

fn python(name: &str, globals: &Globals) -> Result<()> {
    globals.compat_options().remove_unused(name, Duration::MAX)?;
    let left = match globals.options().look(name, Kind::Python) {
        Err(Error::NotFound { .. }) => return Ok(()),
        other => other?,
    };
    let files = foreign::files(globals, &left);
    if !files.is_empty() {
        return Err(foreign::refusal(&files));
    }
    let paths: Vec<_> = left.files.iter().map(|file| file.path.clone()).collect();
    let mut pids: Vec<_> =
        mappers(&paths).into_values().flatten().map(|mapper| format!("process {}", mapper.pid)).collect();
    pids.sort();
    pids.dedup();
    let by = if pids.is_empty() { String::new() } else { format!(", it seems {}", pids.join(", ")) };
    let failure = Failure::new(Exit::InUse, format!("a process has it open{by}, or its files are another user's"));
    Err(failure.advise("end that process first, or add --force"))
}
