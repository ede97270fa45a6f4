//! Carries channels between machines: `ndsh bridge`.

#![forbid(unsafe_code)]

mod args;
mod list;
mod table;

use args::{Args, Command};
use clap::Parser;
use ndsharray_link::bridge::Bridge;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Between two reports to what is no terminal, unless the command line says otherwise.
const CALM: Duration = Duration::from_secs(10);
const WATCHED: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let args = Args::parse();
    let answer = match &args.command {
        Some(Command::Ls { host, wait }) => list::list(&args, host.as_deref(), *wait),
        None => run(&args),
    };
    match answer {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Nothing is left to do if that fails.
            let _ = writeln!(std::io::stderr(), "ndsh-bridge: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    let (stop, stopped) = mpsc::channel();
    let handler = move || {
        // Fails only if the bridge has ended already.
        let _ = stop.send(());
    };
    ctrlc::set_handler(handler).map_err(|error| error.to_string())?;
    let settings = args.settings()?;
    let carrier = args.carrier(true)?;
    let bridge = Bridge::start(settings, carrier).map_err(|error| error.to_string())?;
    let is_terminal = std::io::stdout().is_terminal() && !args.json;
    let interval = args.interval.map_or(if is_terminal { WATCHED } else { CALM }, Duration::from_secs_f64);
    let mut table = table::Table::new(is_terminal, args.json);
    let mut next = Instant::now();
    loop {
        if !args.quiet {
            // The reader of a pipe may have gone: the bridge goes on all the same.
            let _ = table.show(&bridge.report());
        }
        next += interval;
        if stopped.recv_timeout(next.saturating_duration_since(Instant::now())).is_ok() {
            return Ok(());
        }
    }
}
