//! `ndsh info NAME`

use crate::args::Globals;
use crate::commands::ls;
use crate::describe::{Summary, Who, lock, state};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Columns, duration, json, printable, printable_message, shape, size, stdout};
use crate::processes::Mapper;
use crate::select::{KindArg, kinds};
use ndsharray::inspect::{Details, File, Kind, Reader, Report, Slot, SlotState};
use serde::Serialize;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// Tell all about one channel or array, slot by slot
///
/// What is damaged is explained, with code 4 at the end.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Name of the channel or array
    name: String,
    /// Which one, where several kinds have the name
    #[arg(long, value_name = "KIND")]
    kind: Option<KindArg>,
    /// Print a JSON array with one object for each kind
    #[arg(long)]
    json: bool,
    /// How long to look for the rate, in seconds; 0 leaves it out
    #[arg(long, value_name = "SECONDS", default_value_t = 0.2)]
    interval: f64,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let interval = ls::interval(args.interval)?;
    let options = globals.options();
    let mut all = Vec::new();
    for kind in kinds(globals, &args.name, args.kind)? {
        let mut report = (Instant::now(), options.look(&args.name, kind)?);
        let mut rate = None;
        if kind == Kind::Channel && !interval.is_zero() {
            std::thread::sleep(interval);
            let before = std::mem::replace(&mut report, (Instant::now(), options.look(&args.name, kind)?));
            rate = ls::rate(&before, &report);
        }
        all.push((report, rate));
    }
    let damaged = all.iter().any(|((_, report), _)| !report.problems.is_empty());
    let full: Vec<_> = all
        .iter()
        .map(|((_, report), rate)| {
            let mappers = ls::tags([report]).remove(&report.name).unwrap_or_default();
            (report, Full::new(report, *rate, mappers))
        })
        .collect();
    let mut out = stdout();
    if args.json {
        json(&mut out, &full.iter().map(|(_, full)| full).collect::<Vec<_>>())?;
    } else {
        for (i, (report, full)) in full.iter().enumerate() {
            if i > 0 {
                writeln!(out)?;
            }
            words(&mut out, report, full)?;
        }
    }
    if damaged {
        let failure = Failure::new(Exit::Corrupt, format!("{} is damaged", printable(&args.name)));
        return Err(
            failure.advise("a new writer of the name repairs a channel; `ndsh rm` removes what nobody living has")
        );
    }
    Ok(())
}

/// All that is known.
#[derive(Serialize)]
struct Full {
    #[serde(flatten)]
    summary: Summary,
    /// Writers that the channel has had.
    epoch: Option<u64>,
    files: Vec<FileInfo>,
    slots: Vec<SlotInfo>,
    entries: Vec<Entry>,
    /// Entry of whoever has the array alone.
    holder: Option<usize>,
    /// Whether the write times of a Python channel's value agree.
    whole: Option<bool>,
    /// Who has the tag of a Python channel mapped.
    mapped_by: Vec<Mapper>,
}

#[derive(Serialize)]
struct FileInfo {
    path: String,
    role: String,
    bytes: u64,
    memory: u64,
    user: u32,
    mode: String,
}

#[derive(Serialize)]
struct SlotInfo {
    slot: usize,
    state: String,
    seq: Option<u64>,
    dtype: Option<String>,
    shape: Option<Vec<usize>>,
    bytes: Option<usize>,
    capacity: Option<u64>,
    age_seconds: Option<f64>,
    pinned_by: Vec<usize>,
    payload: Option<String>,
}

#[derive(Serialize)]
struct Entry {
    entry: usize,
    #[serde(flatten)]
    who: Who,
    pins: Vec<usize>,
    seen: u64,
    retries: u64,
    sharing: u64,
}

impl Full {
    fn new(report: &Report, rate: Option<f64>, mapped_by: Vec<Mapper>) -> Self {
        let (epoch, slots) = match &report.details {
            Details::Channel { epoch, slots, .. } => (Some(*epoch), slots.iter().map(SlotInfo::new).collect()),
            _ => (None, Vec::new()),
        };
        Self {
            summary: Summary::new(report, rate, &mapped_by),
            epoch,
            files: report.files.iter().map(FileInfo::new).collect(),
            slots,
            entries: report.readers.iter().map(Entry::new).collect(),
            holder: lock(report).and_then(|lock| lock.holder),
            whole: match report.details {
                Details::Python { whole } => Some(whole),
                _ => None,
            },
            mapped_by,
        }
    }
}

impl FileInfo {
    fn new(file: &File) -> Self {
        Self {
            path: file.path.to_string_lossy().into_owned(),
            role: format!("{:?}", file.role).to_lowercase(),
            bytes: file.len,
            memory: file.allocated,
            user: file.user,
            mode: format!("{:04o}", file.mode),
        }
    }
}

impl SlotInfo {
    fn new(slot: &Slot) -> Self {
        let value = slot.value.as_ref();
        Self {
            slot: slot.index,
            state: slot.state.to_string(),
            seq: value.and_then(|value| value.seq),
            dtype: value.map(|value| value.dtype.to_string()),
            shape: value.map(|value| value.shape.clone()),
            bytes: value.map(|value| value.byte_len),
            capacity: slot.capacity,
            age_seconds: value.and_then(|value| value.age).map(|age| age.as_secs_f64()),
            pinned_by: slot.pinned_by.clone(),
            payload: slot.payload.as_deref().map(file_name),
        }
    }
}

impl Entry {
    fn new(reader: &Reader) -> Self {
        Self {
            entry: reader.index,
            who: reader.owner.into(),
            pins: reader.pins.clone(),
            seen: reader.seen,
            retries: reader.retries,
            sharing: reader.sharing,
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn list(numbers: &[usize]) -> String {
    if numbers.is_empty() {
        return "-".to_owned();
    }
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

fn words(out: &mut impl Write, report: &Report, full: &Full) -> Result<()> {
    let summary = &full.summary;
    writeln!(out, "{} ({})", printable(&summary.name), summary.kind)?;
    let mut line = |title: &str, text: &str| writeln!(out, "  {title:<9} {text}");
    line("value", &value(report, summary))?;
    if let Some(rate) = summary.rate {
        line("rate", &format!("{rate:.1} values a second"))?;
    }
    match report.kind {
        Kind::Array => line("lock", &lock_words(report, full))?,
        _ => line("writer", &writer_words(summary))?,
    }
    if let (Some(state), Some(epoch)) = (state(report), full.epoch) {
        line("state", &format!("{state}, writer number {epoch} of this channel"))?;
    }
    let role = if report.kind == Kind::Array { "handles" } else { "readers" };
    if let Some(readers) = summary.readers {
        let dead = match summary.dead_readers {
            0 => String::new(),
            dead => format!(", and {dead} dead, to be cleared away by the writer"),
        };
        line(role, &format!("{readers} of {} at most{dead}", summary.max_readers))?;
    }
    line("memory", &format!("{} in {} files", size(summary.memory), full.files.len()))?;
    for problem in &summary.problems {
        line("PROBLEM", &printable_message(problem))?;
    }
    if !full.slots.is_empty() {
        writeln!(out)?;
        slots(&full.slots).print(out)?;
        let unused = full.slots.iter().filter(|slot| slot.state == SlotState::Unused.to_string()).count();
        if unused > 0 {
            writeln!(out, "  {unused} slots unused")?;
        }
    }
    if !full.entries.is_empty() {
        writeln!(out)?;
        entries(&full.entries, report.kind).print(out)?;
    }
    writeln!(out)?;
    files(&full.files).print(out)
}

fn value(report: &Report, summary: &Summary) -> String {
    let Some(value) = &report.value else { return "none".to_owned() };
    let mut text = format!("{} {}, {}", value.dtype, shape(&value.shape), size(value.byte_len as u64));
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

fn writer_words(summary: &Summary) -> String {
    let who = match (summary.writer.alive, summary.writer.pid) {
        (Some(true), _) => "alive, as the kernel says",
        (Some(false), _) => return "gone, as the kernel says".to_owned(),
        (None, Some(_)) => "perhaps alive: Python takes no lock, but has the tag mapped for writing",
        (None, None) => "unknown: Python takes no lock, and no process is seen that has the tag mapped for writing",
    };
    match summary.writer.pid {
        Some(pid) => format!("{who}; process {pid} (a hint)"),
        None => who.to_owned(),
    }
}

fn lock_words(report: &Report, full: &Full) -> String {
    let Some(lock) = lock(report) else {
        return "none: it is being made, or its maker died, or its head cannot be read".to_owned();
    };
    let mut text = match lock.holder {
        Some(holder) => format!("entry {holder} has it alone, {}", full.summary.writer.words()),
        None => "free, or shared".to_owned(),
    };
    if lock.waited_for {
        text += ", somebody waits";
    }
    if lock.poisoned {
        text += ", POISONED: a holder died or panicked while it could change the elements";
    }
    text
}

fn slots(slots: &[SlotInfo]) -> Columns {
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
            or_dash(slot.shape.as_deref().map(shape)),
            or_dash(slot.bytes.map(|bytes| size(bytes as u64))),
            or_dash(slot.capacity.map(size)),
            or_dash(slot.age_seconds.map(|age| duration(Duration::from_secs_f64(age)))),
            list(&slot.pinned_by),
            or_dash(slot.payload.as_deref().map(|name| printable(name).into_owned())),
        ]);
    }
    columns
}

fn entries(entries: &[Entry], kind: Kind) -> Columns {
    if kind == Kind::Array {
        let mut columns = Columns::new(&["  ENTRY", "HANDLE", ">SHARES IT"]);
        for entry in entries {
            columns.row([format!("  {}", entry.entry), entry.who.words(), format!("{} times", entry.sharing)]);
        }
        return columns;
    }
    let mut columns = Columns::new(&["  ENTRY", "READER", "HOLDS SLOTS", ">LAST MAPPED", ">CAME TOO LATE"]);
    for entry in entries {
        columns.row([
            format!("  {}", entry.entry),
            entry.who.words(),
            list(&entry.pins),
            entry.seen.to_string(),
            format!("{} times", entry.retries),
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
