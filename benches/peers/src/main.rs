//! Measures ndsharray beside its rivals, in one run.
//!
//! It prints Markdown, and writes it to a folder together with plots. The README beside this
//! package says more.

mod contenders;
mod harness;
mod measurements;
mod report;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};

use contenders::python;
use harness::{goal, machine};
use measurements::{Report, Settings, flood, in_order, latency, torn};
use report::Run;

#[derive(Parser)]
#[command(about = "ndsharray measured beside its rivals", version)]
struct Cli {
    /// Short samples and seven rounds: enough to see that everything works.
    #[arg(long)]
    quick: bool,
    /// Measure only this; may be given several times. One of those that `--list` shows.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Let only contenders take part whose name contains this, for profiling; may be given several
    /// times.
    #[arg(long, value_name = "PART")]
    who: Vec<String>,
    /// Rounds in which every contender is measured once.
    #[arg(long, value_parser = clap::value_parser!(u16).range(7..))]
    rounds: Option<u16>,
    /// The folder for tables and plots. By default `benches/results` for a complete run at full
    /// length, and otherwise `target/peers`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the names of the measurements and do nothing else.
    #[arg(long)]
    list: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What this program does when it starts itself.
#[derive(Subcommand)]
enum Role {
    #[command(hide = true)]
    FloodReader(flood::reader::Args),
    #[command(hide = true)]
    InOrderReceiver(in_order::Args),
    #[command(hide = true)]
    LatencyReceiver(latency::receiver::Args),
    #[command(hide = true)]
    TornReader(torn::reader::Args),
}

impl Cli {
    fn settings(&self) -> Settings {
        let (rounds, sample, large_sample, flood) = if self.quick { (7, 2, 20, 100) } else { (11, 20, 80, 400) };
        Settings {
            rounds: self.rounds.map_or(rounds, usize::from),
            who: self.who.clone(),
            sample: Duration::from_millis(sample),
            large_sample: Duration::from_millis(large_sample),
            flood: Duration::from_millis(flood),
        }
    }

    /// Whether everything is measured, at full length.
    fn complete(&self) -> bool {
        !self.quick && self.only.is_empty() && self.who.is_empty()
    }

    /// Rough or partial figures do not replace those that are kept.
    fn out(&self) -> PathBuf {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let usual = || workspace.join(if self.complete() { "benches/results" } else { "target/peers" });
        self.out.clone().unwrap_or_else(usual)
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    match &cli.role {
        Some(Role::FloodReader(args)) => flood::reader::run(args),
        Some(Role::InOrderReceiver(args)) => in_order::receive_all(args),
        Some(Role::LatencyReceiver(args)) => latency::receiver::run(args),
        Some(Role::TornReader(args)) => torn::reader::run(args),
        None => measure(&cli),
    }
}

fn measure(cli: &Cli) -> Result<()> {
    if cli.list {
        for measurement in measurements::ALL {
            println!("{}", measurement.name);
        }
        return Ok(());
    }
    for name in &cli.only {
        ensure!(measurements::ALL.iter().any(|each| each.name == name), "nothing is called {name:?}; try --list");
    }
    let settings = cli.settings();
    println!("## ndsharray and its rivals\n");
    let preface = format!(
        "{}- {} rounds; samples of {:?} for small values, {:?} for large ones; floods of {:?}\n",
        machine::describe(&["ndsharray", "iceoryx2", "mmap-sync"], &python::versions()),
        settings.rounds,
        settings.sample,
        settings.large_sample,
        settings.flood
    );
    println!("{preface}");
    let mut run = Run { preface, tables: Vec::new(), goals: Vec::new(), figures: Vec::new() };
    let begin = Instant::now();
    for measurement in measurements::ALL.iter().filter(|each| cli.wants(each.name)) {
        let start = Instant::now();
        let report: Report = (measurement.run)(&settings).with_context(|| measurement.name)?;
        for table in &report.tables {
            println!("{table}");
        }
        eprintln!("{}: {:.1} s", measurement.name, start.elapsed().as_secs_f64());
        run.tables.extend(report.tables);
        run.goals.extend(report.goals);
        run.figures.extend(report.figures);
    }
    println!("{}", goal::table(&run.goals));
    run.preface += &format!("- {:.0} s; load afterwards {}\n", begin.elapsed().as_secs_f64(), machine::load());
    let out = cli.out();
    report::write(&run, &out)?;
    println!("Load afterwards: {}", machine::load());
    println!("Tables and plots: {}", out.display());
    Ok(())
}
