//! `ndsh`: see, feed and clean channels of ndsharray from the terminal.

#![cfg_attr(not(feature = "web"), allow(dead_code, reason = "some of it is for the page alone"))]

mod advice;
mod args;
mod array;
mod cli;
mod commands;
mod complete;
mod endpoints;
mod examples;
mod external;
mod failure;
mod files;
mod output;
mod picture;
mod recording;
mod reports;
mod terminal;
mod usage;
#[cfg(feature = "web")]
mod web;

#[cfg(not(unix))]
compile_error!("ndsh is for Unix so far; the library, and `ndsharray::inspect`, are not");

use advice::Situation;
use args::{Color, Globals};
use cli::Cli;
use failure::Result;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    // For help and complaints about the arguments, which the user's choice is among.
    Color::default().apply();
    complete::answer(cli::plain_program);
    match Cli::parse() {
        Ok(cli) => {
            let done = cli.run().and_then(|()| Ok(output::flush()?));
            end(done, &cli.situation())
        }
        Err(error) => {
            let globals = Globals::default();
            end(
                help_or_failure(&error),
                &Situation { globals: &globals, command: "ndsh", name: None, could_force: false },
            )
        }
    }
}

/// Prints help if that was asked for; otherwise says what is wrong with the arguments.
fn help_or_failure(error: &clap::Error) -> Result<()> {
    if let Some(failure) = external::run(error, cli::plain_program()) {
        return Err(failure);
    }
    if let Some(failure) = usage::failure(error) {
        return Err(failure);
    }
    write!(output::stdout(), "{}", error.render().ansi())?;
    Ok(output::flush()?)
}

fn end(done: Result<()>, situation: &Situation<'_>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            situation.report(&failure);
            failure.exit().into()
        }
    }
}
