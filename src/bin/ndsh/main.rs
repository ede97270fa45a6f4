//! `ndsh`: see, feed and clean channels of ndsharray from the terminal.

mod args;
mod array;
mod commands;
mod describe;
mod exit;
mod failure;
mod files;
mod follow;
mod interrupt;
mod numbers;
mod output;
mod picture;
mod processes;
mod progress;
mod recording;
mod screen;
mod seconds;
mod select;
mod source;
mod summary;
mod target;
mod watch;

#[cfg(not(unix))]
compile_error!("ndsh is for Unix so far; the library, and `ndsharray::inspect`, are not");

use args::Cli;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.globals.color.apply();
    match cli.command.run(&cli.globals) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            failure.exit().into()
        }
    }
}
