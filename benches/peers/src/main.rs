//! Measures ndsharray beside its rivals, in one run, and prints Markdown. See the README beside this package.

mod contenders;
mod harness;
mod measurements;

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};

use harness::{goal, machine};
use measurements::{Report, Settings, flood, latency, torn};

#[derive(Parser)]
#[command(about = "ndsharray measured beside its rivals", version)]
struct Cli {
    /// Short samples and seven rounds: enough to see that everything works.
    #[arg(long)]
    quick: bool,
    /// Measure only this; may be given several times. One of those that `--list` shows.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Let only contenders take part whose name contains this, for profiling; may be given several times.
    #[arg(long, value_name = "PART")]
    who: Vec<String>,
    /// Rounds in which every contender is measured once.
    #[arg(long, value_parser = clap::value_parser!(u16).range(7..))]
    rounds: Option<u16>,
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
    LatencyReceiver(latency::receiver::Args),
    #[command(hide = true)]
    TornReader(torn::reader::Args),
}

impl Cli {
    fn settings(&self) -> Settings {
        let (rounds, sample, large_sample, flood) = if self.quick { (7, 2, 20, 100) } else { (15, 20, 80, 500) };
        Settings {
            rounds: self.rounds.map_or(rounds, usize::from),
            who: self.who.clone(),
            sample: Duration::from_millis(sample),
            large_sample: Duration::from_millis(large_sample),
            flood: Duration::from_millis(flood),
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    match &cli.role {
        Some(Role::FloodReader(args)) => flood::reader::run(args),
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
    println!(
        "{}- {} rounds; small samples of {:?}, large of {:?}, floods of {:?}\n",
        machine::describe(&["ndsharray", "mmap-sync", "iceoryx2"]),
        settings.rounds,
        settings.sample,
        settings.large_sample,
        settings.flood
    );
    let mut goals = Vec::new();
    for measurement in measurements::ALL.iter().filter(|each| cli.wants(each.name)) {
        let report: Report = (measurement.run)(&settings)?;
        for table in &report.tables {
            println!("{table}");
        }
        goals.extend(report.goals);
    }
    println!("{}", goal::table(&goals));
    println!("Load afterwards: {}", machine::load());
    Ok(())
}
