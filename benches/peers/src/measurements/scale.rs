//! What does a write cost beside more readers: idle, reading on another core, asleep?
//!
//! `benches/scale.py` fits a cost model to these figures.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use ndsharray::{Options, Reader, Writer};

use super::{Report, Settings};
use crate::contenders::value::value;
use crate::harness::clock::{self, thread_time};
use crate::harness::cores;
use crate::harness::place::Place;
use crate::harness::race::{Subject, race};
use crate::harness::stats::{Nanos, Spread};
use crate::harness::table::Table;

/// Idle readers; the last is as many as a channel takes.
const IDLE: [usize; 6] = [1, 16, 64, 128, 256, 448];

/// Readers that all sleep when the value comes.
const SLEEPERS: [usize; 5] = [1, 2, 4, 8, 16];

/// Writes of one sample beside sleepers.
const WAKES: u64 = 50;

/// Time in which a reader that has read falls asleep.
const DOZE: Duration = Duration::from_micros(500);

/// No wait of a test is longer.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let cores = cores::allowed()?;
    let _pinned = cores.first().copied().map(cores::pin).transpose()?;
    let theirs = cores.get(1).copied();
    let mut report = Report::default();

    let subjects = IDLE.into_iter().map(idle).collect::<Result<Vec<_>>>()?;
    let series = race(subjects, &settings.pace())?;
    let mut table = Table::new("Scale: write 64 B beside idle readers", &["readers", "median", "min..max"]);
    for (readers, each) in IDLE.into_iter().zip(&series) {
        table.row(row(readers.to_string(), each.spread()));
    }
    report.tables.push(table);

    let mut table = Table::new("Scale: write 64 B, a reader on the other core", &["reader", "median", "min..max"]);
    for is_reading in [false, true] {
        let rounds = (0..settings.rounds).map(|_| active(settings, theirs, is_reading)).collect::<Result<Vec<_>>>()?;
        table.row(row(if is_reading { "reads" } else { "is idle" }.into(), Spread::of(&rounds)));
    }
    report.tables.push(table);

    let head = ["sleepers", "the write", "min..max", "until the last has it", "min..max"];
    let mut table = Table::new("Scale: write 64 B, all readers asleep on one core", &head);
    for sleepers in SLEEPERS {
        let (mut writes, mut arrivals) = (Vec::new(), Vec::new());
        for _ in 0..settings.rounds {
            let (write, arrival) = asleep(sleepers, theirs)?;
            writes.push(write);
            arrivals.push(arrival);
        }
        let mut cells = row(sleepers.to_string(), Spread::of(&writes));
        cells.extend(row(String::new(), Spread::of(&arrivals)).into_iter().skip(1));
        table.row(cells);
    }
    report.tables.push(table);
    Ok(report)
}

fn row(name: String, spread: Spread) -> Vec<String> {
    vec![name, Nanos(spread.median).to_string(), format!("{}..{}", Nanos(spread.min), Nanos(spread.max))]
}

fn channel(place: &Place, readers: usize) -> Result<(Writer<u8>, Vec<Reader>)> {
    let options = Options::new().dir(place.dir()).max_readers(readers.max(64));
    let mut writer = options.create::<u8>("scale")?;
    let readers = (0..readers).map(|_| options.open("scale")).collect::<Result<Vec<_>, _>>()?;
    for turn in 0..32 {
        writer.write(&[64], &value(turn))?;
    }
    Ok((writer, readers))
}

fn idle(readers: usize) -> Result<Subject> {
    let place = Place::fresh()?;
    let (mut writer, mut ends) = channel(&place, readers)?;
    for reader in &mut ends {
        // Each has been at work once.
        ensure!(reader.read()?.is_some(), "nothing to read");
    }
    let value = value(7);
    Ok(Subject::new(format!("{readers} idle"), move |count| {
        let _keep = (&place, &ends);
        for _ in 0..count {
            black_box(&mut writer).write(black_box(&[64]), black_box(&value))?;
        }
        Ok(())
    }))
}

/// Nanoseconds of a write, while a reader on another core is idle or takes what it can.
fn active(settings: &Settings, core: Option<usize>, is_reading: bool) -> Result<f64> {
    let place = Place::fresh()?;
    let (mut writer, mut readers) = channel(&place, 1)?;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| -> Result<()> {
            let _pinned = core.map(cores::pin).transpose()?;
            // Relaxed: nothing else is told by it.
            while !done.load(Ordering::Relaxed) {
                for reader in &mut readers {
                    if is_reading {
                        black_box(reader.read()?.is_some());
                    } else {
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            }
            Ok(())
        });
        let measured = (|| -> Result<f64> {
            let (value, mut count) = (value(7), 0_u64);
            let (begin, start) = (Instant::now(), thread_time()?);
            while begin.elapsed() < settings.sample * 2 {
                for _ in 0..1000 {
                    writer.write(black_box(&[64]), black_box(&value))?;
                }
                count += 1000;
            }
            Ok(thread_time()?.saturating_sub(start).as_nanos() as f64 / count as f64)
        })();
        done.store(true, Ordering::Relaxed);
        reader.join().map_err(|_| anyhow!("a reader panicked"))??;
        measured
    })
}

/// Nanoseconds of a write that wakes so many readers, and until the last of them has the value.
fn asleep(sleepers: usize, core: Option<usize>) -> Result<(f64, f64)> {
    let place = Place::fresh()?;
    let (mut writer, readers) = channel(&place, sleepers)?;
    let (got, last, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let threads: Vec<_> = readers
            .into_iter()
            .map(|mut reader| {
                let (got, last, done) = (&got, &last, &done);
                scope.spawn(move || -> Result<()> {
                    let _pinned = core.map(cores::pin).transpose()?;
                    while !done.load(Ordering::Acquire) {
                        if reader.wait(Duration::from_millis(100))?.is_some() {
                            last.fetch_max(clock::now(), Ordering::AcqRel);
                            got.fetch_add(1, Ordering::AcqRel);
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        let measured = (|| -> Result<(f64, f64)> {
            // All of them read what is there first.
            let (mut writes, mut arrivals) = (Vec::new(), Vec::new());
            for turn in 0..=WAKES {
                let all = (turn + 1) * sleepers as u64;
                let begin = Instant::now();
                while got.load(Ordering::Acquire) < all {
                    ensure!(begin.elapsed() < PATIENCE, "a reader does not get its value");
                    thread::yield_now();
                }
                if turn == WAKES {
                    break;
                }
                thread::sleep(DOZE);
                let start = clock::now();
                writer.write(&[64], &value(turn))?;
                writes.push((clock::now() - start) as f64);
                let due = all + sleepers as u64;
                while got.load(Ordering::Acquire) < due {
                    ensure!(begin.elapsed() < PATIENCE, "a reader does not get its value");
                    std::hint::spin_loop();
                }
                arrivals.push(last.load(Ordering::Acquire).saturating_sub(start) as f64);
            }
            Ok((Spread::of(&writes).median, Spread::of(&arrivals).median))
        })();
        done.store(true, Ordering::Release);
        for thread in threads {
            thread.join().map_err(|_| anyhow!("a reader panicked"))??;
        }
        measured
    })
}
