//! What the bridge tells: a line for each channel.

use ndsharray_link::report::{ChannelReport, Direction, Report, State};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Instant;

/// A name of another machine, harmless to a terminal.
pub(crate) fn shown(name: &str) -> String {
    let mut shown = String::new();
    for character in name.chars() {
        if character.is_control() {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Values and bytes a second.
#[derive(Clone, Copy, Default)]
struct Rate {
    values: f64,
    bytes: f64,
}

pub(crate) struct Table {
    is_terminal: bool,
    json: bool,
    /// Lines that stand on the terminal.
    lines: usize,
    at: Instant,
    before: HashMap<(Direction, String, String), (u64, u64)>,
    /// What was printed for each channel last, where nothing is drawn over.
    printed: HashMap<(Direction, String, String), String>,
    is_first: bool,
}

fn key(row: &ChannelReport) -> (Direction, String, String) {
    (row.direction, row.host.clone(), row.channel.clone())
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Out => "out",
        Direction::In => "in",
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Idle => "idle",
        State::Live => "live",
        State::Gone => "gone",
    }
}

impl Table {
    pub(crate) fn new(is_terminal: bool, json: bool) -> Self {
        let (before, printed) = (HashMap::new(), HashMap::new());
        Self { is_terminal, json, lines: 0, at: Instant::now(), before, printed, is_first: true }
    }

    pub(crate) fn show(&mut self, report: &Report) -> io::Result<()> {
        let rates = self.rates(report);
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json_of(report, &rates))?;
        } else if self.is_terminal {
            // A line that is too long is cut off, and stays one.
            let mut text = String::from("\x1b[?7l");
            if self.lines > 0 {
                // Back to the first line, and away with all from there.
                text.push_str(&format!("\x1b[{}A\x1b[J", self.lines));
            }
            let lines = lines(report, &rates);
            lines.iter().for_each(|(_, line)| {
                text.push_str(line);
                text.push('\n');
            });
            text.push_str("\x1b[?7h");
            self.lines = lines.len();
            out.write_all(text.as_bytes())?;
        } else {
            for (key, line) in lines(report, &rates) {
                let Some(key) = key else {
                    if self.is_first {
                        writeln!(out, "{line}")?;
                    }
                    continue;
                };
                // A channel at rest says so once.
                if self.printed.get(&key) != Some(&line) {
                    writeln!(out, "{line}")?;
                    self.printed.insert(key, line);
                }
            }
            self.is_first = false;
        }
        out.flush()
    }

    fn rates(&mut self, report: &Report) -> Vec<Rate> {
        let seconds = self.at.elapsed().as_secs_f64().max(1e-3);
        self.at = Instant::now();
        let mut now = HashMap::new();
        let rates = report.channels.iter().map(|row| {
            let (values, bytes) = self.before.get(&key(row)).copied().unwrap_or((row.values, row.bytes));
            now.insert(key(row), (row.values, row.bytes));
            Rate {
                values: row.values.saturating_sub(values) as f64 / seconds,
                bytes: row.bytes.saturating_sub(bytes) as f64 / seconds,
            }
        });
        let rates = rates.collect();
        self.before = now;
        rates
    }
}

type Line = (Option<(Direction, String, String)>, String);

fn lines(report: &Report, rates: &[Rate]) -> Vec<Line> {
    let hosts: Vec<_> = report.hosts.iter().map(|host| shown(host)).collect();
    let hosts = if hosts.is_empty() { "no other host yet".to_owned() } else { format!("hosts: {}", hosts.join(", ")) };
    let mut lines = vec![(None, format!("bridge {}, {hosts}", shown(&report.id)))];
    lines.extend(report.channels.iter().zip(rates).map(|(row, rate)| (Some(key(row)), line(row, *rate))));
    let problem = |problem: &String| {
        (Some((Direction::Out, problem.clone(), String::new())), format!("problem: {}", shown(problem)))
    };
    lines.extend(report.problems.iter().map(problem));
    lines
}

fn line(row: &ChannelReport, rate: Rate) -> String {
    let name = match row.direction {
        Direction::Out => shown(&row.channel),
        Direction::In => format!("{}/{} as {}", shown(&row.host), shown(&row.channel), shown(&row.local)),
    };
    let mut line = format!("{:<3}  {:<4}  {name}", direction(row.direction), state(row.state));
    if row.values > 0 {
        line.push_str(&format!("  {:.1}/s  {}/s  no. {}", rate.values, bytes(rate.bytes), row.number));
    }
    if let Some(age) = row.age_ns {
        line.push_str(&format!("  age {:.2} ms", age as f64 / 1e6));
        if row.is_skewed() {
            line.push_str(" (clocks differ)");
        }
    }
    if !row.receivers.is_empty() {
        let receivers: Vec<_> = row.receivers.iter().map(|receiver| shown(receiver)).collect();
        line.push_str(&format!("  to {}", receivers.join(", ")));
    }
    for (reason, count) in &row.drops {
        line.push_str(&format!("  {reason} {count}"));
    }
    if let Some(problem) = &row.problem {
        line.push_str(&format!("  problem: {}", shown(problem)));
    }
    line
}

fn bytes(bytes: f64) -> String {
    let (scaled, unit) = match bytes {
        bytes if bytes >= 1e9 => (bytes / 1e9, "GB"),
        bytes if bytes >= 1e6 => (bytes / 1e6, "MB"),
        bytes if bytes >= 1e3 => (bytes / 1e3, "kB"),
        bytes => (bytes, "B"),
    };
    format!("{scaled:.1} {unit}")
}

fn json_of(report: &Report, rates: &[Rate]) -> Value {
    let row = |(row, rate): (&ChannelReport, &Rate)| {
        json!({
            "direction": direction(row.direction),
            "host": row.host,
            "channel": row.channel,
            "local": row.local,
            "state": state(row.state),
            "receivers": row.receivers,
            "values": row.values,
            "bytes": row.bytes,
            "values_per_second": rate.values,
            "bytes_per_second": rate.bytes,
            "number": row.number,
            "age_ns": row.age_ns,
            "clocks_differ": row.is_skewed(),
            "drops": row.drops,
            "problem": row.problem,
        })
    };
    let channels: Vec<_> = report.channels.iter().zip(rates).map(row).collect();
    json!({"id": report.id, "hosts": report.hosts, "channels": channels, "problems": report.problems})
}
