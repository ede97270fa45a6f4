//! What do a lock and an element of a shared array cost?

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use ndsharray::{ArrayOptions, SharedArray};

use super::{OURS, Report, Settings};
use crate::contenders::locks::{Locking, Ours, PthreadMutex, PthreadRwLock, Python, StdMutex, StdRwLock};
use crate::harness::cores;
use crate::harness::goal::Goal;
use crate::harness::place::Place;
use crate::harness::race::{Series, Subject, find, race};
use crate::harness::stats::{Nanos, Short, Spread};
use crate::harness::table::Table;

/// Python's operations a round: it is too slow to be calibrated.
const PYTHON_COUNT: u64 = 20_000;

/// No other thread wants the lock.
pub(super) fn uncontended(settings: &Settings) -> Result<Report> {
    let mut tables = Vec::new();
    let mut goals = Vec::new();
    for (title, write) in [("Lock to write, add one, unlock", true), ("Lock to read, look, unlock", false)] {
        let subjects = vec![
            subject::<Ours>(write)?,
            subject::<StdRwLock>(write)?,
            subject::<StdMutex>(write)?,
            subject::<PthreadRwLock>(write)?,
            subject::<PthreadMutex>(write)?,
        ];
        let mut series = race(subjects, &settings.pace())?;
        if write {
            series.extend(python("locks", "Python multiprocessing.Lock, acquire and release", settings)?);
        }
        goals.extend(
            find(&series, OURS).map(|ours| Goal::at_most(title, ours.spread(), 50.0, |ns| Nanos(ns).to_string())),
        );
        tables.push(Table::of_race(format!("{title}; nobody else is there"), &series, OURS));
    }
    Ok(Report { tables, goals, ..Report::default() })
}

fn subject<L: Locking>(write: bool) -> Result<Subject> {
    let place = Place::fresh()?;
    let [one, two] = L::pair(&place)?;
    one.add()?;
    ensure!(two.look()? == 1, "{}: an addition went astray", L::NAME);
    Ok(Subject::new(L::NAME, move |count| {
        let _ = (&place, &two);
        for _ in 0..count {
            if write {
                black_box(&one).add()?;
            } else {
                black_box(black_box(&one).look()?);
            }
        }
        Ok(())
    }))
}

fn python(what: &str, name: &str, settings: &Settings) -> Result<Option<Series>> {
    if !settings.pace().admits(name) {
        return Ok(None);
    }
    let Some(mut python) = Python::start()? else { return Ok(None) };
    python.time(what, PYTHON_COUNT)?;
    let nanos = (0..settings.rounds).map(|_| python.time(what, PYTHON_COUNT)).collect::<Result<Vec<_>>>()?;
    Ok(Some(Series { name: name.to_owned(), nanos }))
}

/// Two threads on two cores, each through its own handle, do nothing but lock, add and unlock.
pub(super) fn contended(settings: &Settings) -> Result<Report> {
    let head =
        ["contender", "works between processes", "additions/s, both together", "min..max", "the slower one's share"];
    let mut table = Table::new("Two threads want the same lock all the time", &head);
    contend::<Ours>(settings, &mut table)?;
    contend::<StdRwLock>(settings, &mut table)?;
    contend::<StdMutex>(settings, &mut table)?;
    contend::<PthreadRwLock>(settings, &mut table)?;
    contend::<PthreadMutex>(settings, &mut table)?;
    Ok(Report { tables: vec![table], ..Report::default() })
}

fn contend<L: Locking>(settings: &Settings, table: &mut Table) -> Result<()> {
    if !settings.pace().admits(L::NAME) {
        return Ok(());
    }
    let cores = cores::allowed()?;
    let (mut rates, mut shares) = (Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        let place = Place::fresh()?;
        let ends = L::pair(&place)?;
        let [look, _] = &ends;
        let before = look.look()?;
        let (done, start) = (AtomicBool::new(false), Barrier::new(3));
        let (counts, seconds) = thread::scope(|scope| -> Result<_> {
            let threads: Vec<_> = ends
                .into_iter()
                .enumerate()
                .map(|(n, end)| {
                    let (done, start, core) = (&done, &start, cores.get(n).copied());
                    scope.spawn(move || -> Result<(L, u64)> {
                        let _pinned = core.map(cores::pin).transpose();
                        start.wait();
                        let mut count = 0;
                        while !done.load(Ordering::Relaxed) {
                            end.add()?;
                            count += 1;
                        }
                        Ok((end, count))
                    })
                })
                .collect();
            start.wait();
            let begin = Instant::now();
            thread::sleep(settings.flood);
            done.store(true, Ordering::Relaxed);
            let seconds = begin.elapsed().as_secs_f64();
            let mut counts = Vec::new();
            let mut found = 0;
            for thread in threads {
                let (end, count) = thread.join().map_err(|_| anyhow!("a thread panicked"))??;
                counts.push(count as f64);
                found = found.max(end.look()?);
            }
            ensure!(found - before == counts.iter().sum::<f64>() as u64, "{}: lost additions", L::NAME);
            Ok((counts, seconds))
        })?;
        let sum: f64 = counts.iter().sum();
        rates.push(sum / seconds);
        shares.push(counts.iter().fold(f64::INFINITY, |least, &count| least.min(count)) / sum);
    }
    let (rate, share) = (Spread::of(&rates), Spread::of(&shares));
    let millions = |rate: f64| format!("{}M", Short(rate / 1e6));
    table.row(vec![
        L::NAME.into(),
        if L::SHARED { "yes" } else { "no" }.into(),
        millions(rate.median),
        format!("{}..{}", millions(rate.min), millions(rate.max)),
        format!("{} %", Short(share.median * 100.0)),
    ]);
    Ok(())
}

/// One element, atomically.
pub(super) fn element(settings: &Settings) -> Result<Report> {
    let place = Place::fresh()?;
    let array: SharedArray<u64> = ArrayOptions::new().dir(place.dir()).create("elements", &[1000])?;
    // Leaked, so that guards can live as long as the subjects do; the place goes at the end.
    let array: &'static SharedArray<u64> = Box::leak(Box::new(array));
    let other: &'static SharedArray<u64> =
        Box::leak(Box::new(ArrayOptions::new().dir(place.dir()).create("guarded", &[1000])?));
    std::fs::write(place.dir().join("block"), vec![0; 8000])?;
    let raw: SharedArray<u64> = ArrayOptions::new().dir(place.dir()).attach_raw("block", &[1000])?;
    let std: Vec<AtomicU64> = (0..1000).map(|_| AtomicU64::new(0)).collect();
    let std: &'static [AtomicU64] = std.leak();
    // A guard for atomic access is held for the whole race.
    let cells = other.atomic()?;
    macro_rules! each {
        ($name:expr, $body:expr) => {
            Subject::new($name, move |count| {
                for n in 0..count {
                    black_box($body(black_box(n as usize % 1000)));
                }
                Ok(())
            })
        };
    }
    let subjects = vec![
        each!(OURS, |n| array.fetch_add(n, 1)),
        each!("ndsharray, AtomicGuard", |n| cells.fetch_add(n, 1)),
        each!("ndsharray, attach_raw", |n| raw.fetch_add(n, 1)),
        each!("std::sync::atomic::AtomicU64", |n: usize| std[n].fetch_add(1, Ordering::AcqRel)),
    ];
    let mut series = race(subjects, &settings.pace())?;
    series.extend(python("adds", "Python multiprocessing.Value, += 1 under its lock", settings)?);
    let adds = Table::of_race("Add to an element", &series, OURS);

    let cells = other.atomic()?;
    let raw: SharedArray<u64> = ArrayOptions::new().dir(place.dir()).attach_raw("block", &[1000])?;
    let subjects = vec![
        each!(OURS, |n| array.load(n)),
        each!("ndsharray, AtomicGuard", |n| cells.load(n)),
        each!("ndsharray, attach_raw", |n| raw.load(n)),
        each!("std::sync::atomic::AtomicU64", |n: usize| std[n].load(Ordering::Acquire)),
    ];
    let loads = Table::of_race("Load an element", &race(subjects, &settings.pace())?, OURS);
    Ok(Report { tables: vec![adds, loads], ..Report::default() })
}
