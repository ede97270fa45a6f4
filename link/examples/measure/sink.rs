//! The receiving end, and what it prints.

use crate::tally::{Both, Round, Tally, median};
use crate::value::SMALL;
use crate::{Answer, PATIENCE, Plan, Way};
use ndsharray::{Error, Options};
use std::fmt::Write as _;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long the whole may take, if the source says nothing.
const LONGEST: Duration = Duration::from_secs(600);

fn take(tally: &Mutex<Both>, value: &[u8]) {
    tally.lock().unwrap_or_else(PoisonError::into_inner).take(value);
}

fn from_stream(mut stream: TcpStream, tally: &Mutex<Both>) {
    let (mut len, mut value) = ([0; 8], Vec::new());
    while stream.read_exact(&mut len).is_ok() {
        value.resize(u64::from_le_bytes(len) as usize, 0);
        if stream.read_exact(&mut value).is_err() {
            return;
        }
        take(tally, &value);
    }
}

fn from_channel(name: &str, all: bool, tally: &Mutex<Both>) -> Answer<()> {
    let mut reader = Options::new().lossless(all).open_timeout(name, PATIENCE)?;
    loop {
        let answer = if all { reader.wait_next(PATIENCE) } else { reader.wait(PATIENCE) };
        match answer {
            Ok(Some(sample)) => take(tally, sample.as_bytes()),
            Ok(None) | Err(Error::Closed { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn begin(way: &Way, plan: &Plan, tally: &Arc<Mutex<Both>>) -> Answer<()> {
    match way {
        Way::Tcp(address) => {
            let (listener, tally) = (TcpListener::bind(address)?, Arc::clone(tally));
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let tally = Arc::clone(&tally);
                    thread::spawn(move || from_stream(stream, &tally));
                }
            });
            Ok(())
        }
        Way::Zenoh { key, endpoint } => crate::zenoh_ends::subscribe(endpoint, key, Arc::clone(tally)),
        Way::Bridge(prefix) => {
            for (name, is_wanted) in [("bulk", plan.bulk > 0), ("small", plan.small_hz > 0.0)] {
                let (name, all, tally) = (format!("{prefix}{name}"), plan.all, Arc::clone(tally));
                if is_wanted {
                    thread::spawn(move || {
                        if let Err(error) = from_channel(&name, all, &tally) {
                            println!("{name}: {error}");
                        }
                    });
                }
            }
            Ok(())
        }
    }
}

/// What the source says at its end: how many large and small values have gone on each way.
fn wait_for_source(plan: &Plan) -> String {
    let end = Instant::now() + LONGEST;
    while Instant::now() < end {
        if let Some(said) = plan.until.as_ref().and_then(|path| std::fs::read_to_string(path).ok()) {
            return said;
        }
        thread::sleep(Duration::from_millis(50));
    }
    String::new()
}

/// The sum of one tally, as a row.
fn row(name: &str, size: &str, sent: &str, tally: &Tally, ratio: &str) -> String {
    let rounds: Vec<&Round> = tally.rounds.iter().filter(|round| !round.ages.is_empty()).collect();
    let of = |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(|round| figure(round)));
    let mut row = format!("| {name} | {size} | {} of {sent} | {} | {} |", tally.count(), tally.missed(), tally.torn);
    let _ = write!(
        row,
        " {:.1} | {:.3} | {:.3} |",
        of(&Round::rate),
        of(&|round| round.age(50)),
        of(&|round| round.age(99))
    );
    row + ratio
}

/// How a way stands to another: the median of each round's ratio.
fn ratio(size: &str, this: &Tally, other: &Tally) -> f64 {
    let figure = |round: &Round| if size == "small" { round.age(50) } else { round.rate() };
    median(this.rounds.iter().zip(&other.rounds).map(|(this, other)| figure(this) / figure(other)))
}

pub(crate) fn run(plan: &Plan) -> Answer<()> {
    let tallies: Vec<_> = plan.ways.iter().map(|_| Arc::new(Mutex::new(Both::new(plan.rounds)))).collect();
    for (way, tally) in plan.ways.iter().zip(&tallies) {
        begin(way, plan, tally)?;
    }
    let said = wait_for_source(plan);
    let tallies: Vec<Both> =
        tallies.iter().map(|tally| tally.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect();
    let sent: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    if plan.each {
        print_rounds(plan, &tallies);
    } else {
        print_sums(plan, &tallies, &sent);
    }
    Ok(())
}

fn print_sums(plan: &Plan, tallies: &[Both], sent: &[Vec<&str>]) {
    println!("| way | values | arrived | missed | torn | MB/s | age p50, ms | p99, ms | to raw zenoh | to bare TCP |");
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (size, bytes, is_wanted) in [("bulk", plan.bulk, plan.bulk > 0), ("small", SMALL, plan.small_hz > 0.0)] {
        let pick = |both: &Both| if size == "bulk" { both.bulk.clone() } else { both.small.clone() };
        let other = |is_other: &dyn Fn(&Way) -> bool| {
            plan.ways.iter().position(is_other).and_then(|at| tallies.get(at)).map(pick)
        };
        let zenoh = other(&|way| matches!(way, Way::Zenoh { .. }));
        let tcp = other(&|way| matches!(way, Way::Tcp(_)));
        for ((way, both), at) in plan.ways.iter().zip(tallies).zip(0..).filter(|_| is_wanted) {
            let tally = pick(both);
            let column = usize::from(size == "small" && plan.bulk > 0);
            let sent = sent.get(at).and_then(|line| line.get(column)).unwrap_or(&"?");
            let to = |other: &Option<Tally>| match other {
                Some(other) if !plan.together => format!(" {:.2} |", ratio(size, &tally, other)),
                _ => "  |".into(),
            };
            println!("{}", row(&way.name(), &format!("{bytes} B"), sent, &tally, &(to(&zenoh) + &to(&tcp))));
        }
    }
}

fn print_rounds(plan: &Plan, tallies: &[Both]) {
    println!("| way | round | arrived | missed | longest gap, ms |");
    println!("|---|---|---|---|---|");
    for (way, both) in plan.ways.iter().zip(tallies) {
        let tally = if plan.bulk > 0 { &both.bulk } else { &both.small };
        for (number, round) in (1..).zip(&tally.rounds) {
            let (count, gap) = (round.ages.len(), round.longest_gap * 1e3);
            println!("| {} | {number} | {count} | {} | {gap:.0} |", way.name(), round.missed);
        }
    }
}
