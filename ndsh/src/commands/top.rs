//! `ndsh top`

use super::ls::{SPARE, table};
use crate::args::Globals;
use crate::args::seconds::parse_interval;
use crate::complete::names;
use crate::failure::Result;
use crate::output::{bandwidth, counted, json_line, printable, size, stdout};
use crate::reports::{NamePattern, Summary, Survey};
use crate::terminal::{Action, Interrupt, Screen};
use anstyle::{AnsiColor, Color as AnyColor, Effects};
use clap::ValueEnum;
use clap_complete::ArgValueCompleter;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use std::cmp::Ordering;
use std::io::Write;
use std::time::{Duration, Instant};

/// Watch all channels and arrays, sorted by rate, bandwidth, age or memory
///
/// On a terminal it takes the screen and draws it anew in each interval. The keys r, b, a, m and s
/// sort by rate, bandwidth, age, memory and name, arrows move the list, and q ends. Otherwise it
/// prints a table for each interval. Columns are those of `ndsh ls`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Names to list: `cam*`, `*.left`, `imu[0-3]` [default: all]
    #[arg(value_name = "PATTERN", add = ArgValueCompleter::new(names))]
    patterns: Vec<NamePattern>,
    /// What comes first: the highest rate, bandwidth or memory, the smallest age or name
    #[arg(long, value_enum, default_value = "rate")]
    sort: Order,
    /// Time between two looks
    #[arg(long, short = 'n', value_name = "SECONDS", default_value = "1", value_parser = parse_interval)]
    interval: Duration,
    /// End after N tables
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Print a JSON array a line, also on a terminal
    #[arg(long)]
    json: bool,
    /// Print tables, also on a terminal
    #[arg(long)]
    plain: bool,
}

/// An order of channels and arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Order {
    Rate,
    Bandwidth,
    Age,
    Memory,
    Name,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let interrupt = Interrupt::catch()?;
    if args.json || args.plain || args.count.is_some() || !Screen::is_there() {
        return print(args, globals, &interrupt);
    }
    draw(args, globals, &interrupt)
}

/// Prints a table for each interval.
fn print(args: &Args, globals: &Globals, interrupt: &Interrupt) -> Result<()> {
    let options = globals.options();
    let mut before = Survey::take(&options, &args.patterns)?;
    for count in 0..args.count.unwrap_or(u64::MAX) {
        if interrupt.sleep(args.interval) {
            break;
        }
        let survey = Survey::take(&options, &args.patterns)?;
        let summaries = args.sort.sorted(survey.summaries(Some(&before)));
        before = survey;
        let mut out = stdout();
        if args.json {
            writeln!(out, "{}", json_line(&summaries)?)?;
        } else {
            if count > 0 {
                writeln!(out)?;
            }
            table(&summaries).print(&mut out)?;
        }
        out.flush()?;
    }
    Ok(())
}

/// Shows a screen until the user quits.
fn draw(args: &Args, globals: &Globals, interrupt: &Interrupt) -> Result<()> {
    let options = globals.options();
    let dir = options.directory();
    let dir = printable(&dir.to_string_lossy()).into_owned();
    let mut order = args.sort;
    let mut before: Option<Survey> = None;
    let mut summaries = Vec::new();
    let mut next = Instant::now();
    let mut first = 0_usize;
    // A directory that cannot be read at the start is a failure; one that vanishes is shown.
    let mut trouble = None;
    let mut screen = Screen::take()?;
    loop {
        if Instant::now() >= next {
            match Survey::take(&options, &args.patterns) {
                Ok(survey) => {
                    summaries = survey.summaries(before.as_ref());
                    // At the start there are no rates yet: they come soon.
                    let pause = if before.is_none() { args.interval.min(FIRST) } else { args.interval };
                    next = Instant::now() + pause;
                    before = Some(survey);
                    trouble = None;
                }
                Err(failure) if before.is_none() => return Err(failure),
                Err(failure) => {
                    trouble = Some(failure.to_string());
                    next = Instant::now() + args.interval;
                }
            }
        }
        summaries = order.sorted(summaries);
        let room = usize::from(screen.height()).saturating_sub(3);
        first = first.min(summaries.len().saturating_sub(room));
        screen.draw(|frame| {
            let title = trouble.clone().unwrap_or_else(|| title(&dir, &summaries));
            show(frame, &title, order, &summaries, first);
        })?;
        match screen.next_action(next.saturating_duration_since(Instant::now()), interrupt) {
            Some(Action::Quit) => return Ok(()),
            Some(Action::Next) => first += 1,
            Some(Action::Previous) => first = first.saturating_sub(1),
            Some(Action::Key(key)) => order = Order::of_key(key).unwrap_or(order),
            Some(Action::Redraw) | None => {}
        }
    }
}

/// Time to the second look, which has the first rates.
const FIRST: Duration = Duration::from_millis(200);

/// The line above the table.
fn title(dir: &str, summaries: &[Summary]) -> String {
    let memory = summaries.iter().map(|one| one.memory).fold(0, u64::saturating_add);
    let bytes: f64 = summaries.iter().filter_map(Summary::bandwidth).sum();
    let count = counted(summaries.len() as u64, "name");
    format!("{dir}  {count}  {} in memory  {}", size(memory), bandwidth(bytes))
}

fn show(frame: &mut Frame<'_>, title: &str, order: Order, summaries: &[Summary], first: usize) {
    let areas = Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)]);
    let [top, middle, bottom] = areas.areas(frame.area());
    frame.render_widget(Line::from(title.to_owned()).bold(), top);
    let mut table = table(summaries);
    table.fit(middle.width.into(), &SPARE);
    let lines: Vec<_> = table.lines().map(|(style, line)| Line::styled(line, on_screen(style))).collect();
    let (titles, rows) = lines.split_first().map_or((None, &[][..]), |(titles, rows)| (Some(titles), rows));
    let shown = titles.cloned().map(|titles| titles.fg(Color::Cyan)).into_iter();
    let shown = shown.chain(rows.iter().skip(first).cloned());
    frame.render_widget(Paragraph::new(shown.collect::<Vec<_>>()), middle);
    let keys = format!("by {}  r rate  b bandwidth  a age  m memory  s name  q ends", order.name());
    frame.render_widget(Line::from(keys).fg(Color::DarkGray), bottom);
}

/// A style of text as one of the screen.
fn on_screen(style: anstyle::Style) -> Style {
    let mut shown = match style.get_fg_color() {
        Some(AnyColor::Ansi(AnsiColor::Red)) => Style::new().fg(Color::Red),
        Some(AnyColor::Ansi(AnsiColor::Yellow)) => Style::new().fg(Color::Yellow),
        _ => Style::new(),
    };
    if style.get_effects().contains(Effects::BOLD) {
        shown = shown.bold();
    }
    shown
}

impl Order {
    fn of_key(key: char) -> Option<Self> {
        Some(match key {
            'r' => Self::Rate,
            'b' => Self::Bandwidth,
            'a' => Self::Age,
            'm' => Self::Memory,
            's' => Self::Name,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Bandwidth => "bandwidth",
            Self::Age => "age",
            Self::Memory => "memory",
            Self::Name => "name",
        }
    }

    /// Sorts; of equal ones the name decides, and the unknown comes last.
    fn sorted(self, mut summaries: Vec<Summary>) -> Vec<Summary> {
        let largest = |a: Option<f64>, b: Option<f64>| b.unwrap_or(-1.0).total_cmp(&a.unwrap_or(-1.0));
        let smallest =
            |a: Option<f64>, b: Option<f64>| a.unwrap_or(f64::INFINITY).total_cmp(&b.unwrap_or(f64::INFINITY));
        summaries.sort_by(|a, b| {
            let by_figure = match self {
                Self::Rate => largest(a.rate, b.rate),
                Self::Bandwidth => largest(a.bandwidth(), b.bandwidth()),
                Self::Age => smallest(a.age_seconds, b.age_seconds),
                Self::Memory => b.memory.cmp(&a.memory),
                Self::Name => Ordering::Equal,
            };
            by_figure.then_with(|| a.name.cmp(&b.name)).then_with(|| a.kind.cmp(&b.kind))
        });
        summaries
    }
}
