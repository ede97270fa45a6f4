//! `ndsh`: see, feed and clean channels of ndsharray from the terminal.

mod args;
mod commands;
mod describe;
mod exit;
mod failure;
mod interrupt;
mod output;
mod processes;
mod select;

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
