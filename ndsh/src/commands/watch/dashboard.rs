//! The dashboard: everything on one screen.

use super::figures::Figures;
use super::line::{jitter, standing, summary};
use super::probe::Status;
use crate::array::Statistics;
use crate::endpoints::State;
use crate::output::{bandwidth, duration, number, per_second, printable, shape, size};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Sparkline};
use std::collections::VecDeque;

/// Rates to keep for the curve, at least as many as a screen has columns.
const HISTORY: usize = 400;

/// The screen, and the rates it has shown.
pub(crate) struct Dashboard<'a> {
    name: &'a str,
    rates: VecDeque<u64>,
}

impl<'a> Dashboard<'a> {
    pub(crate) fn new(name: &'a str) -> Self {
        Self { name, rates: VecDeque::new() }
    }

    /// Returns the number of bars that fit into so many columns, two for each bar.
    pub(crate) fn bins(columns: u16) -> usize {
        (usize::from(columns).saturating_sub(4) / 2).clamp(1, 200)
    }

    /// Adds a rate to the curve. Arrays that change in place have none.
    pub(crate) fn note(&mut self, figures: &Figures, status: &Status) {
        if !status.is_channel {
            self.rates.clear();
            return;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast stops at both ends")]
        self.rates.push_front((figures.rate * 10.0).round() as u64);
        self.rates.truncate(HISTORY);
    }

    pub(crate) fn draw(&self, frame: &mut Frame<'_>, status: &Status, figures: &Figures, values: Option<&Statistics>) {
        let block = Block::bordered()
            .border_style(Style::new().fg(Color::DarkGray))
            .title(Line::from(vec![" ".into(), printable(self.name).into_owned().bold(), " ".into()]))
            .title(Line::from(format!(" {} ", standing(status))).style(colour(status)).right_aligned())
            .title_bottom(Line::from(" q ends ").fg(Color::DarkGray).right_aligned());
        let inside = block.inner(frame.area());
        frame.render_widget(block, frame.area());
        let areas =
            Layout::vertical([Constraint::Length(6), Constraint::Length(3), Constraint::Length(2), Constraint::Min(0)]);
        let [table, curve, title, histogram] = areas.areas(inside);
        frame.render_widget(Paragraph::new(rows(status, figures)), table);
        draw_curve(frame, curve, &self.rates.iter().copied().collect::<Vec<_>>());
        if let Some(values) = values {
            let line = Line::from(vec![label("values"), Span::raw(summary(values))]);
            frame.render_widget(Paragraph::new(vec![Line::default(), line]), title);
            draw_histogram(frame, histogram, values);
        }
    }
}

fn colour(status: &Status) -> Style {
    Style::new().fg(match (&status.state, status.writer_alive) {
        (State::Open, Some(true)) => Color::Green,
        (State::Broken(_) | State::Locked, _) => Color::Red,
        _ => Color::Yellow,
    })
}

fn label(text: &str) -> Span<'static> {
    Span::styled(format!(" {text:<10}"), Style::new().fg(Color::Cyan))
}

/// The figures, one a line.
fn rows(status: &Status, figures: &Figures) -> Vec<Line<'static>> {
    let array = status.array.as_ref().map_or_else(
        || "no value yet".to_owned(),
        |(dtype, axes, bytes)| format!("{dtype} {}  {}", shape(axes), size(*bytes as u64)),
    );
    let seq = status.seq.map(|seq| format!("  #{seq}")).unwrap_or_default();
    let epoch = status.epoch.filter(|epoch| *epoch > 1).map(|epoch| format!("  writer {epoch}")).unwrap_or_default();
    let ages = figures.ages.map_or_else(
        || "-".to_owned(),
        |[half, most, all]| format!("p50 {}  p99 {}  max {}", duration(half), duration(most), duration(all)),
    );
    let missed = if status.numbered && status.is_channel {
        format!("{}  ({} since the start, {} seen)", figures.missed, figures.total_missed, figures.total_seen)
    } else {
        "unknown: values have no numbers".to_owned()
    };
    let (rate, bytes) = if status.is_channel {
        (per_second(figures.rate), bandwidth(figures.bandwidth))
    } else {
        ("none: it changes in place".to_owned(), "-".to_owned())
    };
    let row = |title: &str, text: String| Line::from(vec![label(title), Span::raw(text)]);
    vec![
        row("array", format!("{array}{seq}{epoch}")),
        row("age", ages),
        row("missed", missed),
        row("bandwidth", bytes),
        row("interval", figures.intervals.map_or_else(|| "-".to_owned(), jitter)),
        row("rate", rate),
    ]
}

/// Draws the last rates, the newest on the right.
fn draw_curve(frame: &mut Frame<'_>, area: Rect, rates: &[u64]) {
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let most = rates.iter().take(area.width.into()).copied().max().unwrap_or(0);
    let curve = Sparkline::default()
        .data(rates)
        .direction(ratatui::widgets::RenderDirection::RightToLeft)
        .max(most.max(1))
        .style(Style::new().fg(Color::Green));
    frame.render_widget(curve, area);
}

/// Draws the histogram over the width of the screen.
fn draw_histogram(frame: &mut Frame<'_>, area: Rect, values: &Statistics) {
    let (Some(min), Some(max)) = (values.min, values.max) else { return };
    let [bars, scale] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(area);
    let bars = Rect { x: bars.x + 1, width: bars.width.saturating_sub(2), ..bars };
    let columns = usize::from(bars.width);
    let bins = values.histogram.len();
    // Each bar takes whole columns, so that all are equally wide.
    let wide = columns.checked_div(bins).unwrap_or(0).max(1);
    let data: Vec<u64> = values.histogram.iter().flat_map(|&count| std::iter::repeat_n(count, wide)).collect();
    let width = u16::try_from(data.len().min(columns)).unwrap_or(bars.width);
    let bars = Rect { width, ..bars };
    frame.render_widget(Sparkline::default().data(&data).style(Style::new().fg(Color::LightBlue)), bars);
    let scale = Rect { x: bars.x, width, ..scale };
    frame.render_widget(Line::from(number(min)).fg(Color::DarkGray), scale);
    frame.render_widget(Line::from(number(max)).fg(Color::DarkGray).right_aligned(), scale);
}
