//! Several names on one screen, a line each.

use super::args::{Args, SLICES};
use super::figures::Figures;
use super::line::{standing, summary};
use super::probe::{Probe, Status};
use super::values::{LINE_BINS, Values};
use crate::array::Statistics;
use crate::failure::Result;
use crate::output::{Columns, bandwidth, duration, per_second, printable, shape};
use crate::terminal::{Action, Interrupt, Screen};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Stylize};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use std::time::Instant;

/// Columns to leave out of a narrow window, the first ones first.
const SPARE: [&str; 7] = ["BANDWIDTH", "AGE P99", "ARRAY", "INTERVAL", "MISSED", "VALUES", "STD"];

/// Shows a screen until the user quits.
pub(super) fn draw(
    args: &Args,
    watched: &[(&str, Probe)],
    interrupt: &Interrupt,
    ended: impl Fn() -> bool,
) -> Result<()> {
    let mut screen = Screen::take()?;
    let mut values: Vec<_> = watched.iter().map(|_| Values::new(LINE_BINS)).collect();
    let slice = args.interval / SLICES;
    let mut next = Instant::now();
    let mut table = None;
    while !ended() {
        let now = Instant::now();
        if now >= next || table.is_none() {
            next = now + slice;
            let mut rows = titles();
            for ((name, probe), values) in watched.iter().zip(&mut values) {
                let (figures, mut status, copy) = probe.turn(now);
                let statistics = values.look(probe, copy, &mut status)?;
                rows.row(cells(name, &status, &figures, statistics));
            }
            rows.fit(screen.width().into(), &SPARE);
            table = Some(rows);
        }
        if let Some(table) = &table {
            let lines: Vec<_> = table.lines().map(|(_, line)| Line::from(line)).collect();
            screen.draw(|frame| {
                let [top, bottom] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(frame.area());
                frame.render_widget(Paragraph::new(lines), top);
                frame.render_widget(Line::from("q ends").fg(Color::DarkGray), bottom);
            })?;
        }
        if screen.next_action(next.saturating_duration_since(Instant::now()), interrupt) == Some(Action::Quit) {
            break;
        }
    }
    Ok(())
}

fn titles() -> Columns {
    Columns::new(&[
        "NAME",
        "STATE",
        "ARRAY",
        ">RATE",
        ">INTERVAL",
        ">STD",
        ">BANDWIDTH",
        ">AGE P99",
        ">MISSED",
        "VALUES",
    ])
}

fn cells(name: &str, status: &Status, figures: &Figures, values: Option<&Statistics>) -> [String; 10] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let of_channel = |text: String| or_dash(status.is_channel.then_some(text));
    [
        printable(name).into_owned(),
        standing(status),
        or_dash(status.array.as_ref().map(|(dtype, axes, _)| format!("{dtype} {}", shape(axes)))),
        of_channel(per_second(figures.rate)),
        or_dash(figures.intervals.map(|all| duration(all.mean))),
        or_dash(figures.intervals.map(|all| duration(all.std))),
        of_channel(bandwidth(figures.bandwidth)),
        or_dash(figures.ages.map(|[_, most, _]| duration(most))),
        or_dash((status.numbered && status.is_channel).then(|| figures.missed.to_string())),
        values.map_or_else(String::new, summary),
    ]
}
