//! `ndsh view --follow`

use super::args::Args;
use super::caption::{Seen, Shown, caption};
use crate::args::Globals;
use crate::args::seconds::due;
use crate::array::Array;
use crate::endpoints::{Follower, State};
use crate::failure::{Exit, Failure, Result};
use crate::output::printable;
use crate::picture::graphics::{self, Place};
use crate::picture::{Canvas, Index, Plot, blocks};
use crate::terminal::{Action, Depth, Graphics, Interrupt, Screen};
use ratatui::Frame;
use ratatui::crossterm::style::force_color_output;
use ratatui::layout::Rect;
use std::time::{Duration, Instant};

/// Shortest wait for a new value, so that an unchanged picture costs little.
const NAP: Duration = Duration::from_millis(40);

/// Draws one value after another, until the user quits.
pub(super) fn run(args: &Args, globals: &Globals) -> Result<()> {
    if !Screen::is_there() {
        return Err(Failure::new(Exit::Usage, "--follow needs a terminal that can move its cursor")
            .advise("without --follow it writes one picture"));
    }
    let interrupt = Interrupt::catch()?;
    let mut follower = Follower::new(globals, &args.from.name, args.from.which());
    // Before the screen takes what the terminal says for keys.
    let graphics = Graphics::of_stdout(args.graphics)?;
    let mut screen = Screen::take()?;
    let depth = Depth::of_stdout();
    // The depth respects NO_COLOR already, so crossterm must not ask again.
    force_color_output(depth != Depth::None);
    let mut index = args.picture.index.clone();
    let mut last: Option<(Seen, Array)> = None;
    let mut shown: Option<State> = None;
    let (mut changed, mut is_resized) = (true, false);
    let mut neighbours = [None, None];
    // The size of the picture that lies on the screen.
    let mut lies: Option<[usize; 2]> = None;
    let pause = due(1.0 / args.fps);
    loop {
        let start = Instant::now();
        let taken = follower.poll(pause.max(NAP), |value| {
            // An array is read again and again, but copied and drawn only if it changed.
            let same = value.seq.is_none() && last.as_ref().is_some_and(|(_, old)| old.view() == value.array);
            (!same).then(|| value.array.to_array().map(|array| (Seen::of(&value), array)))
        })?;
        if let Some(taken) = taken.flatten() {
            let taken = taken?;
            // An index that the user stepped to means nothing for another shape.
            let alike = |old: &Array| (old.dtype(), &old.shape) == (taken.1.dtype(), &taken.1.shape);
            if !last.as_ref().is_some_and(|(_, old)| alike(old)) {
                index.clone_from(&args.picture.index);
            }
            last = Some(taken);
            changed = true;
        }
        if changed || shown.as_ref() != Some(follower.state()) {
            let mut drawn = Drawn::default();
            let draw = |frame: &mut Frame<'_>| {
                draw(frame, args, index.as_ref(), last.as_ref(), follower.state(), depth, graphics)
            };
            screen.draw(|frame| drawn = draw(frame))?;
            if let Some(Graphics { protocol, .. }) = graphics {
                // The picture comes after the cells, which are drawn around it.
                let size = drawn.pixels.as_ref().map(|pixels| [pixels.width, pixels.height]);
                if lies.is_some() && (lies != size || is_resized) {
                    screen.clear(|to| graphics::erase(to, protocol))?;
                    screen.draw(|frame| drop(draw(frame)))?;
                }
                lies = size;
                if let Some(pixels) = &drawn.pixels {
                    screen.put(|to| graphics::write(to, pixels, protocol, Place::OnScreen))?;
                }
            }
            neighbours = drawn.neighbours;
            shown = Some(follower.state().clone());
        }
        changed = true;
        is_resized = false;
        match screen.next_action(pause.saturating_sub(start.elapsed()), &interrupt) {
            Some(Action::Quit) => {
                if let Some(graphics) = graphics.filter(|_| lies.is_some()) {
                    screen.put(|to| Ok(graphics::erase(to, graphics.protocol)?))?;
                }
                return Ok(());
            }
            Some(Action::Next) => index = neighbours[1].clone().or(index),
            Some(Action::Previous) => index = neighbours[0].clone().or(index),
            Some(Action::Redraw) => is_resized = true,
            Some(Action::Key(_)) => {}
            None => changed = false,
        }
    }
}

/// What has been drawn of a value.
#[derive(Default)]
struct Drawn {
    /// The indices of the slices before and after.
    neighbours: [Option<Index>; 2],
    /// The picture, where the terminal shows pixels: the frame has no cells of it.
    pixels: Option<Canvas>,
}

/// Draws a value, or the reason why there is none.
fn draw(
    frame: &mut Frame<'_>,
    args: &Args,
    index: Option<&Index>,
    last: Option<&(Seen, Array)>,
    state: &State,
    depth: Depth,
    graphics: Option<Graphics>,
) -> Drawn {
    let area = frame.area();
    let line = Rect { y: area.bottom().saturating_sub(1), height: area.height.min(1), ..area };
    let name = printable(&args.from.name);
    let mut parts: Vec<String> = Vec::new();
    match state {
        State::Absent => parts.push(format!("{name}: nothing of that name yet")),
        State::Closed => parts.push("closed by its writer".to_owned()),
        State::Locked => parts.push("locked by a writer".to_owned()),
        State::Broken(why) => parts.push(why.clone()),
        State::Open if last.is_none() => parts.push(format!("{name}: no value yet")),
        State::Open => {}
    }
    let mut drawn = Drawn::default();
    let width = args.width.map_or(area.width, |width| width.min(area.width));
    let height = args.height.unwrap_or(u16::MAX).min(area.height.saturating_sub(1));
    if let Some((seen, array)) = last
        && let Ok(Some((curves, range))) = args.picture.curves(array.view(), index)
    {
        let plot = curves.plot(width.into(), height.into(), range, args.picture.part);
        paint_curves(frame, &plot, depth);
        parts.push(caption(&args.from.name, seen, Shown::curves(&curves, range)));
        frame.render_widget(parts.join("  "), line);
        return drawn;
    }
    match last.map(|(seen, array)| (seen, args.picture.painter(array.view(), index))) {
        None => {}
        // The next value may suit.
        Some((_, Err(failure))) => parts.push(failure.to_string()),
        Some((seen, Ok(painter))) => {
            drawn.neighbours = [-1, 1].map(|by| painter.plane().neighbour(by));
            let blocks = (width.into(), usize::from(height) * 2);
            let (columns, rows) = graphics.map_or(blocks, |shown| shown.pixels(width, height.max(1)));
            let mut canvas = Canvas::fit(&painter, columns, rows);
            canvas.flatten(args.picture.background);
            if graphics.is_some() {
                drawn.pixels = Some(canvas).filter(|canvas| !canvas.pixels.is_empty());
            } else {
                paint(frame, &canvas, depth);
            }
            parts.push(caption(&args.from.name, seen, Shown::picture(&painter)));
        }
    }
    frame.render_widget(parts.join("  "), line);
    drawn
}

fn paint_curves(frame: &mut Frame<'_>, plot: &Plot, depth: Depth) {
    let buffer = frame.buffer_mut();
    for (line, index) in (0_u16..).zip(0..plot.lines) {
        let label: Vec<_> = plot.label(index).chars().map(|c| (c, None)).collect();
        for (column, (c, colour)) in (0_u16..).zip(label.into_iter().chain(plot.line(index, false))) {
            let Some(cell) = buffer.cell_mut((column, line)) else { continue };
            cell.set_char(c);
            if depth != Depth::None {
                cell.set_fg(blocks::cell(colour.map(|[r, g, b]| [r, g, b, u8::MAX]), depth));
            }
        }
    }
}

fn paint(frame: &mut Frame<'_>, canvas: &Canvas, depth: Depth) {
    let buffer = frame.buffer_mut();
    for (line, y) in (0_u16..).zip((0..canvas.height).step_by(2)) {
        for (column, x) in (0_u16..).zip(0..canvas.width) {
            let (upper, lower) = (canvas.get(y, x), canvas.get(y + 1, x));
            let Some(cell) = buffer.cell_mut((column, line)) else { continue };
            if depth == Depth::None {
                cell.set_char(blocks::ramp(upper, lower));
            } else {
                let [fore, back] = [upper, lower].map(|pixel| blocks::cell(pixel, depth));
                cell.set_char(blocks::UPPER_HALF).set_fg(fore).set_bg(back);
            }
        }
    }
}
