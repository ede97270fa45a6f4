//! `ndsh`: see, feed and clean channels of ndsharray from the terminal.

mod advice;
mod args;
mod array;
mod colour;
mod commands;
mod describe;
mod exit;
mod failure;
mod files;
mod follow;
mod interrupt;
mod numbers;
mod ours;
mod output;
mod picture;
mod processes;
mod progress;
mod recording;
mod screen;
mod seconds;
mod select;
mod source;
mod stdout;
mod summary;
mod target;
mod usage;
mod watch;

#[cfg(not(unix))]
compile_error!("ndsh is for Unix so far; the library, and `ndsharray::inspect`, are not");

use advice::Situation;
use args::{Cli, Globals};
use clap::Parser;
use failure::{Failure, Result};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return wrong(&error),
    };
    cli.globals.color.apply();
    let done = cli.command.run(&cli.globals).and_then(|()| Ok(stdout::flush()?));
    end(done, &cli.command.situation(&cli.globals))
}

/// Prints help, or why the arguments cannot be.
fn wrong(error: &clap::Error) -> ExitCode {
    let globals = Globals::default();
    let done = match usage::failure(error) {
        Some(failure) => Err(failure),
        None => print_help(error),
    };
    end(done, &Situation { globals: &globals, command: "ndsh", name: None, could_force: false })
}

fn print_help(error: &clap::Error) -> Result<()> {
    use std::io::Write;
    write!(stdout::stdout(), "{}", error.render().ansi())?;
    Ok(stdout::flush()?)
}

fn end(done: Result<()>, situation: &Situation<'_>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => end_with(&failure, situation),
    }
}

fn end_with(failure: &Failure, situation: &Situation<'_>) -> ExitCode {
    failure.report(situation);
    failure.exit().into()
}
