//! Plots: time by size, a line a library, both axes logarithmic.

use std::ops::Range;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::columns::{COLUMNS, Column};
use crate::harness::figure::Figure;
use crate::harness::stats::Nanos;
use crate::measurements::{SIZES, latency, loan, read, readers, reshape, size_name, write, write_read};

/// A plot that was drawn.
pub(super) struct Plot {
    pub(super) title: &'static str,
    pub(super) file: &'static str,
}

/// One chart of a plot.
struct Panel {
    title: &'static str,
    what: &'static str,
    at: &'static [usize],
    name: fn(usize) -> String,
}

const fn by_size(title: &'static str, what: &'static str) -> Panel {
    Panel { title, what, at: &SIZES, name: size_name }
}

const OVERVIEW: [Panel; 4] = [
    by_size("Write", write::WRITE),
    by_size("Read of a new value", read::NEW),
    by_size("From process to process, spinning (p50)", latency::SPINNING),
    by_size("From process to process, asleep for 300 µs (p50)", latency::LONG_SLEEP),
];

const MORE: [Panel; 4] = [
    by_size("Write, then read, one thread", write_read::WRITE_READ),
    by_size("Loan and publish", loan::LOAN),
    by_size("First write of a shape that does not fit", reshape::GROWS),
    Panel {
        title: "Write of 64 B beside idle readers",
        what: readers::IDLE,
        at: &readers::READERS,
        name: |readers| if readers == 1 { "1 reader".into() } else { format!("{readers} readers") },
    },
];

const WIDTH: u32 = 1240;
const HEIGHT: u32 = 900;
const LEGEND: u32 = 44;

/// Draws those plots for which there are figures.
pub(super) fn draw(figures: &[Figure], dir: &Path) -> Result<Vec<Plot>> {
    let plots = [
        (Plot { title: "Time by size: write, read, from process to process", file: "overview.svg" }, &OVERVIEW),
        (Plot { title: "Time by size: other operations, and idle readers", file: "more.svg" }, &MORE),
    ];
    let mut drawn = Vec::new();
    for (plot, panels) in plots {
        if panels.iter().any(|panel| figures.iter().any(|each| each.what == panel.what)) {
            // Errors of the drawing library cannot be sent between threads, which `anyhow` wants of
            // its own.
            sheet(figures, panels, &dir.join(plot.file)).map_err(|error| anyhow!("{}: {error}", plot.file))?;
            drawn.push(plot);
        }
    }
    Ok(drawn)
}

type Drawing<T> = Result<T, Box<dyn std::error::Error>>;

/// Four panels and a legend.
fn sheet(figures: &[Figure], panels: &[Panel; 4], path: &Path) -> Drawing<()> {
    let root = SVGBackend::new(path, (WIDTH, HEIGHT)).into_drawing_area();
    root.fill(&WHITE)?;
    let (legend, charts) = root.split_vertically(LEGEND);
    let present: Vec<&Column> = COLUMNS
        .iter()
        .filter(|column| {
            panels.iter().any(|panel| panel.at.iter().any(|&at| column.best(figures, panel.what, at).is_some()))
        })
        .collect();
    draw_legend(&legend, &present)?;
    for (area, panel) in charts.split_evenly((2, 2)).iter().zip(panels) {
        draw_panel(area, figures, panel)?;
    }
    root.present()?;
    Ok(())
}

fn draw_legend(area: &DrawingArea<SVGBackend<'_>, Shift>, columns: &[&Column]) -> Drawing<()> {
    let style = ("sans-serif", 17).into_font();
    let mut x = 30;
    for column in columns {
        area.draw(&PathElement::new([(x, 24), (x + 26, 24)], line(column)))?;
        area.draw(&Circle::new((x + 13, 24), 4, color(column).filled()))?;
        area.draw(&Text::new(column.name, (x + 32, 15), style.clone()))?;
        // About as wide as the letters are; the image does not know the font.
        x += 60 + 9 * column.name.len() as i32;
    }
    Ok(())
}

fn draw_panel(area: &DrawingArea<SVGBackend<'_>, Shift>, figures: &[Figure], panel: &Panel) -> Drawing<()> {
    let values: Vec<f64> = figures
        .iter()
        .filter(|each| each.what == panel.what)
        .map(|each| each.value.median)
        .filter(|v| *v > 0.0)
        .collect();
    let Some(range) = decades(&values) else { return Ok(()) };
    // Sizes stand at equal distances: they are nearly so on a logarithmic axis, and have names.
    let positions = -0.3..panel.at.len() as f64 - 0.7;
    let mut chart = ChartBuilder::on(area)
        .caption(panel.title, ("sans-serif", 20))
        .margin(10)
        .x_label_area_size(34)
        .y_label_area_size(70)
        .build_cartesian_2d(positions, range.log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(panel.at.len() * 2)
        .x_label_formatter(&|position| {
            let whole = (position - position.round()).abs() < 0.01;
            panel
                .at
                .get(position.round().max(0.0) as usize)
                .filter(|_| whole && *position > -0.1)
                .map_or(String::new(), |&at| (panel.name)(at))
        })
        .y_label_formatter(&|nanos| Nanos(*nanos).to_string().replace(".00", "").replace(".0", ""))
        .label_style(("sans-serif", 15))
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(0xDD, 0xDD, 0xDD))
        .draw()?;
    // Ours last, on top.
    for column in COLUMNS.iter().rev() {
        let points: Vec<(f64, f64)> = panel
            .at
            .iter()
            .enumerate()
            .filter_map(|(x, &at)| Some((x as f64, column.best(figures, panel.what, at)?.value.median)))
            .collect();
        chart.draw_series(points.iter().map(|&point| Circle::new(point, 4, color(column).filled())))?;
        chart.draw_series(LineSeries::new(points, line(column)))?;
    }
    Ok(())
}

fn color(column: &Column) -> RGBColor {
    let (red, green, blue) = column.color;
    RGBColor(red, green, blue)
}

fn line(column: &Column) -> ShapeStyle {
    color(column).stroke_width(if column.name == COLUMNS[0].name { 4 } else { 2 })
}

/// Whole powers of ten around the values.
fn decades(values: &[f64]) -> Option<Range<f64>> {
    let low = values.iter().copied().reduce(f64::min)?;
    let high = values.iter().copied().reduce(f64::max)?;
    Some(10_f64.powf(low.log10().floor())..10_f64.powf(high.log10().ceil().max(low.log10().floor() + 1.0)))
}
