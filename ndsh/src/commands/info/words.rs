//! All that is known of a channel or array, as text.

use super::full::{EntryInfo, FileInfo, Full, SlotInfo};
use crate::failure::Result;
use crate::output::attributes::in_a_line;
use crate::output::{Columns, counted, duration, printable, printable_message, shape, short_shape, size};
use crate::reports::{Summary, lock, state};
use ndsharray::inspect::{Details, Kind, Report, SlotState};
use std::io::Write;
use std::time::Duration;

fn list(numbers: &[usize]) -> String {
    if numbers.is_empty() {
        return "-".to_owned();
    }
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

pub(super) fn print(out: &mut impl Write, report: &Report, full: &Full) -> Result<()> {
    let summary = &full.summary;
    writeln!(out, "{} ({})", printable(&summary.name), summary.kind)?;
    let mut line = |title: &str, text: &str| writeln!(out, "  {title:<9} {text}");
    line("value", &value(report, summary))?;
    if let Some(value) = report.value.as_ref().filter(|value| !value.attributes.is_empty()) {
        let len = counted(value.attributes.len() as u64, "byte");
        line("beside it", &format!("{len} of attributes: {}", in_a_line(&value.attributes)))?;
    }
    if let Some(origin) = &full.origin {
        line("source", &format!("imported: writer number {} of {}", origin.epoch, origin.incarnation))?;
    }
    if let Some(rate) = summary.rate {
        line("rate", &format!("{rate:.1} values a second"))?;
    }
    match report.kind {
        Kind::Array => line("lock", &lock_words(report, full))?,
        _ => line("writer", &writer_words(summary, report.kind))?,
    }
    if let (Some(state), Some(epoch)) = (state(report), full.epoch) {
        line("state", &format!("{state}, writer number {epoch} of this channel"))?;
    }
    if let (Some(history), Some(waits)) = (full.history, full.waits)
        && (history > 1 || waits)
    {
        let for_readers = if waits { ", and waits for lossless readers" } else { "" };
        line("history", &format!("the writer keeps {}{for_readers}", counted(history as u64, "value")))?;
    }
    let role = if report.kind == Kind::Array { "handles" } else { "readers" };
    if let Some(readers) = summary.readers {
        let dead = match summary.dead_readers {
            None | Some(0) => String::new(),
            Some(dead) => format!(", and {dead} dead, to be cleared away by the writer"),
        };
        match summary.max_readers {
            // The table could not be read.
            0 => line(role, &format!("{readers} known"))?,
            most => line(role, &format!("{readers} of {most} at most{dead}"))?,
        }
    }
    if report.kind == Kind::Channel && summary.readers.is_none() {
        line(role, "unknown: the reader table is for the writer's user")?;
    }
    if report.kind == Kind::Python {
        let readers: Vec<_> = full.mapped_by.iter().filter(|mapper| !mapper.writes).map(|mapper| mapper.pid).collect();
        line(role, &python_readers(&readers))?;
    }
    line("memory", &format!("{} in {}", size(summary.memory), counted(full.files.len() as u64, "file")))?;
    for problem in &summary.problems {
        line("PROBLEM", &printable_message(problem))?;
    }
    if !full.slots.is_empty() {
        writeln!(out)?;
        slots(&full.slots, report.readers_known).print(out)?;
        let unused = full.slots.iter().filter(|slot| slot.state == SlotState::Unused.to_string()).count();
        if unused > 0 {
            writeln!(out, "  {} unused", counted(unused as u64, "slot"))?;
        }
    }
    if !full.entries.is_empty() {
        writeln!(out)?;
        entries(&full.entries, report.kind).print(out)?;
    }
    writeln!(out)?;
    Ok(files(&full.files).print(out)?)
}

fn value(report: &Report, summary: &Summary) -> String {
    let Some(value) = &report.value else {
        return if report.problems.is_empty() { "none" } else { "unknown" }.to_owned();
    };
    let mut text = format!("{} {}, {}", value.element_type, shape(&value.shape), size(value.byte_len as u64));
    if let Some(record) = &value.record {
        text += &format!(", fields {}", printable(&record.to_string()));
    }
    if let Some(seq) = value.seq {
        text += &format!(", number {seq}");
    }
    if let Some(age) = value.age {
        text += &format!(", written {} ago", duration(age));
    }
    if summary.kind == "python" && matches!(report.details, Details::Python { whole: false }) {
        text += ", being written or torn: its two write times differ";
    }
    text
}

fn writer_words(summary: &Summary, kind: Kind) -> String {
    let state = match (summary.writer.alive, summary.writer.pid) {
        (Some(true), _) => "alive, as the kernel says",
        (Some(false), _) => return "gone, as the kernel says".to_owned(),
        (None, _) if kind != Kind::Python => return "unknown: its lock cannot be asked for".to_owned(),
        (None, Some(_)) => "perhaps alive: Python takes no lock, but has the tag mapped for writing",
        (None, None) => "unknown: Python takes no lock, and no process is seen that has the tag mapped for writing",
    };
    match summary.writer.pid {
        Some(pid) => format!("{state}; process {pid} (a hint)"),
        None => state.to_owned(),
    }
}

fn python_readers(pids: &[u32]) -> String {
    let pids: Vec<_> = pids.iter().map(u32::to_string).collect();
    match pids.as_slice() {
        [] => "unknown: no process is seen that has the tag mapped for reading".to_owned(),
        [pid] => format!("perhaps process {pid}, which has the tag mapped for reading (a hint)"),
        _ => format!("perhaps processes {}, which have the tag mapped for reading (a hint)", pids.join(", ")),
    }
}

fn lock_words(report: &Report, full: &Full) -> String {
    if !report.is_readable() {
        return "unknown".to_owned();
    }
    let Some(lock) = lock(report) else {
        return "none: it is being made, or its maker died, or its head cannot be read".to_owned();
    };
    let mut text = match lock.holder {
        Some(holder) => format!("entry {holder} has it alone, {}", full.summary.writer.words()),
        None => "free, or shared".to_owned(),
    };
    if lock.waited_for {
        text += ", a process waits";
    }
    if lock.poisoned {
        text += ", POISONED: a holder died or panicked while it could change the elements";
    }
    text
}

/// Makes the table of slots; `pins` says whether pins are known.
fn slots(slots: &[SlotInfo], pins: bool) -> Columns {
    let mut columns =
        Columns::new(&["  SLOT", "STATE", ">SEQ", "DTYPE", "SHAPE", ">SIZE", ">CAPACITY", ">AGE", "PINNED BY", "FILE"]);
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let unused = SlotState::Unused.to_string();
    for slot in slots.iter().filter(|slot| slot.state != unused || !slot.pinned_by.is_empty()) {
        columns.row([
            format!("  {}", slot.slot),
            slot.state.clone(),
            or_dash(slot.seq.map(|seq| seq.to_string())),
            or_dash(slot.dtype.clone()),
            or_dash(slot.shape.as_deref().map(short_shape)),
            or_dash(slot.bytes.map(|bytes| size(bytes as u64))),
            or_dash(slot.capacity.map(size)),
            or_dash(slot.age_seconds.map(|age| duration(Duration::from_secs_f64(age)))),
            if pins { list(&slot.pinned_by) } else { "?".to_owned() },
            or_dash(slot.payload.as_deref().map(|name| printable(name).into_owned())),
        ]);
    }
    columns
}

fn entries(entries: &[EntryInfo], kind: Kind) -> Columns {
    if kind == Kind::Array {
        let mut columns = Columns::new(&["  ENTRY", "HANDLE", ">SHARES IT"]);
        for entry in entries {
            columns.row([format!("  {}", entry.entry), entry.owner.words(), counted(entry.sharing, "time")]);
        }
        return columns;
    }
    let mut columns =
        Columns::new(&["  ENTRY", "READER", "HOLDS SLOTS", ">LAST MAPPED", ">BEHIND BY", ">CAME TOO LATE"]);
    for entry in entries {
        columns.row([
            format!("  {}", entry.entry),
            entry.owner.words(),
            list(&entry.pins),
            entry.seen.to_string(),
            format!("{}{}", entry.behind, if entry.lossless { ", lossless" } else { "" }),
            counted(entry.retries, "time"),
        ]);
    }
    columns
}

fn files(files: &[FileInfo]) -> Columns {
    let mut columns = Columns::new(&["  FILE", "ROLE", ">LENGTH", ">MEMORY", ">USER", "MODE"]);
    for file in files {
        columns.row([
            format!("  {}", printable(&file.path)),
            file.role.clone(),
            file.bytes.to_string(),
            size(file.memory),
            file.user.to_string(),
            file.mode.clone(),
        ]);
    }
    columns
}
