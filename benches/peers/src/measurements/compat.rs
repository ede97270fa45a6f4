//! What do writing and reading in Python's format cost, beside the Python package itself?
//!
//! Each figure is processor time, of both processes where there are two: Python tells its own. The
//! ends take turns, so that neither waits.

use std::time::Duration;

use anyhow::{Result, ensure};
use ndsharray::compat::{Options, Overwrite, Reader, Writer};

use super::{Report, Settings, verify};
use crate::contenders::python::{self, Name, Python};
use crate::contenders::{PutFrame, memcpy};
use crate::harness::clock::thread_time;
use crate::harness::goal::Goal;
use crate::harness::place::Place;
use crate::harness::race::{Subject, find, race};
use crate::harness::stats::Short;
use crate::harness::table::Table;

const SHAPES: [&[usize]; 4] = [&[8, 8], &[64, 64], &[720, 1280, 3], &[2160, 3840, 3]];

/// From this many bytes on, a write is held against a copy.
const LARGE: usize = 1 << 20;

const NEVER: &str = "ndsharray::compat";
const IN_PLACE: &str = "ndsharray::compat, in place";
const PYTHON: &str = "Python";

/// The floor of a file a value: as many buffers as there are files, and so the caches hold as much.
const ROTATING: &str = "memcpy, four buffers in turn";

/// The current value, two that stay for late readers, and the one that is written.
const FILES: usize = 4;

pub(super) fn run(settings: &Settings) -> Result<Report> {
    let mut report = Report::default();
    for shape in SHAPES {
        let axes: Vec<String> = shape.iter().map(ToString::to_string).collect();
        let axes = axes.join("×");

        let series = race(writes(shape)?, &settings.large_pace())?;
        report.tables.push(Table::of_race(format!("Python's format: write {axes} u8"), &series, NEVER));
        if shape.iter().product::<usize>() >= LARGE
            && let Some(floor) = find(&series, memcpy::NAME)
        {
            for name in [NEVER, IN_PLACE] {
                if let Some(ours) = find(&series, name) {
                    let what = format!("{name}: write {axes}, of memcpy");
                    report.goals.push(Goal::at_most(what, ours.ratio_to(floor), 1.20, |x| format!("{} ×", Short(x))));
                }
            }
            if let Some((ours, floor)) = find(&series, NEVER).zip(find(&series, ROTATING)) {
                let what = format!("{NEVER}: write {axes}, of {ROTATING}");
                report.goals.push(Goal::at_most(what, ours.ratio_to(floor), 1.20, |x| format!("{} ×", Short(x))));
            }
        }

        let series = race(pairs(shape)?, &settings.large_pace())?;
        report.tables.push(Table::of_race(format!("Python's format: write and read {axes} u8"), &series, NEVER));
    }
    if python::interpreter().is_none() {
        report.tables.push(Table::new("Without Python: NDSHARRAY_PYTHON names no interpreter", &[""]));
    }
    Ok(report)
}

fn writer(name: &Name, overwrite: Overwrite) -> Result<Writer<u8>> {
    // Where Python looks, whatever the environment says.
    Ok(Options::new().dir("/dev/shm").overwrite(overwrite).create(&name.0)?)
}

fn reader(name: &Name) -> Result<Reader> {
    Ok(Options::new().dir("/dev/shm").open(&name.0)?)
}

/// Writing alone.
fn writes(shape: &'static [usize]) -> Result<Vec<Subject>> {
    let source = verify::noise(shape.iter().product());
    let mut subjects = Vec::new();
    for (title, overwrite) in [(NEVER, Overwrite::Never), (IN_PLACE, Overwrite::InPlace)] {
        let name = Name::new(&format!("write-{overwrite:?}"));
        let (mut writer, source) = (writer(&name, overwrite)?, source.clone());
        subjects.push(Subject::timed(title, move |count| {
            let _keep = &name;
            let start = thread_time()?;
            for _ in 0..count {
                writer.write(shape, &source)?;
            }
            Ok(thread_time()?.saturating_sub(start))
        }));
    }

    for (title, buffers) in [(memcpy::NAME, 2), (ROTATING, FILES)] {
        let place = Place::fresh()?;
        let mut floor = memcpy::rotating(&place, source.len(), buffers)?;
        let source = source.clone();
        subjects.push(Subject::timed(title, move |count| {
            let _keep = &place;
            let start = thread_time()?;
            for _ in 0..count {
                std::hint::black_box(&mut floor).put_frame(&source)?;
            }
            Ok(thread_time()?.saturating_sub(start))
        }));
    }

    if let Some(interpreter) = python::interpreter() {
        let name = Name::new("write-python");
        let mut python = Python::start(&interpreter)?;
        python.ask(&format!("writer {}", name.0))?;
        subjects.push(Subject::timed(PYTHON, move |count| {
            let _keep = &name;
            python.time(&format!("time-writes {} {count}", axes(shape)))
        }));
    }
    Ok(subjects)
}

/// Writing and then reading the same value.
fn pairs(shape: &'static [usize]) -> Result<Vec<Subject>> {
    let source = verify::noise(shape.iter().product());
    let modes = [(NEVER, Overwrite::Never), (IN_PLACE, Overwrite::InPlace)];
    let mut subjects = Vec::new();
    for (title, overwrite) in modes {
        let name = Name::new(&format!("pair-{overwrite:?}"));
        let (mut writer, mut reader, source) = (writer(&name, overwrite)?, None, source.clone());
        subjects.push(Subject::timed(title, move |count| {
            let reader = match &mut reader {
                Some(reader) => reader,
                empty => empty.insert(self::reader(&name)?),
            };
            let start = thread_time()?;
            for _ in 0..count {
                writer.write(shape, &source)?;
                ensure!(reader.read()?.is_some_and(|array| array.shape() == shape), "nothing new after a write");
            }
            Ok(thread_time()?.saturating_sub(start))
        }));
    }

    let Some(interpreter) = python::interpreter() else { return Ok(subjects) };
    for (title, overwrite) in modes {
        let name = Name::new(&format!("to-python-{overwrite:?}"));
        let (mut writer, source) = (writer(&name, overwrite)?, source.clone());
        let mut python = Python::start(&interpreter)?;
        python.ask(&format!("reader {}", name.0))?;
        subjects.push(Subject::timed(format!("{title} → Python"), move |count| {
            let _keep = &name;
            let mut took = Duration::ZERO;
            for _ in 0..count {
                let start = thread_time()?;
                writer.write(shape, &source)?;
                took += thread_time()?.saturating_sub(start) + python.time("time-read")?;
            }
            Ok(took)
        }));
    }

    let name = Name::new("from-python");
    let mut python = Python::start(&interpreter)?;
    python.ask(&format!("writer {}", name.0))?;
    let mut reader = reader(&name)?;
    subjects.push(Subject::timed("Python → ndsharray::compat", move |count| {
        let _keep = &name;
        let mut took = Duration::ZERO;
        for _ in 0..count {
            took += python.time(&format!("time-writes {} 1", axes(shape)))?;
            let start = thread_time()?;
            ensure!(reader.read()?.is_some_and(|array| array.shape() == shape), "nothing new after a write");
            took += thread_time()?.saturating_sub(start);
        }
        Ok(took)
    }));

    let name = Name::new("python-alone");
    let mut python = Python::start(&interpreter)?;
    python.ask(&format!("writer {}", name.0))?;
    python.ask(&format!("reader {}", name.0))?;
    subjects.push(Subject::timed("Python → Python", move |count| {
        let _keep = &name;
        python.time(&format!("time-pairs {} {count}", axes(shape)))
    }));
    Ok(subjects)
}

fn axes(shape: &[usize]) -> String {
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
}
