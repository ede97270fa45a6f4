//! `ndsh view --follow`

use super::{Args, Seen, caption, has_colours};
use crate::args::Globals;
use crate::array::Array;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::follow::{Follower, State};
use crate::interrupt::Interrupt;
use crate::output::printable;
use crate::picture::{Canvas, Index, blocks};
use crate::screen::{Screen, Wish};
use ratatui::Frame;
use ratatui::crossterm::style::force_color_output;
use ratatui::layout::Rect;
use ratatui::style::Color;
use std::time::{Duration, Instant};

/// Draws one value after another, until the user has seen enough.
pub(super) fn run(args: &Args, globals: &Globals) -> Result<()> {
    if !Screen::is_there() {
        return Err(
            Failure::new(Exit::Usage, "--follow needs a terminal").advise("without --follow it writes one picture")
        );
    }
    let interrupt = Interrupt::catch()?;
    let mut follower = Follower::new(globals, &args.name, args.kind);
    let mut screen = Screen::take()?;
    force_color_output(has_colours());
    let mut index = args.look.index.clone();
    let mut last: Option<(Seen, Array)> = None;
    let pause = Duration::from_secs_f64(1.0 / args.fps);
    loop {
        let start = Instant::now();
        let taken = follower.poll(pause, |value| value.array.to_array().map(|array| (Seen::of(&value), array)))?;
        if let Some(taken) = taken {
            let taken = taken?;
            // What was stepped to in one array means nothing in another.
            let alike = |old: &Array| (old.dtype, &old.shape) == (taken.1.dtype, &taken.1.shape);
            if !last.as_ref().is_some_and(|(_, old)| alike(old)) {
                index.clone_from(&args.look.index);
            }
            last = Some(taken);
        }
        let mut neighbours = [None, None];
        screen.draw(|frame| neighbours = draw(frame, args, index.as_ref(), last.as_ref(), follower.state()))?;
        let [previous, next] = neighbours;
        match screen.wish(pause.saturating_sub(start.elapsed()), &interrupt) {
            Some(Wish::Quit) => return Ok(()),
            Some(Wish::Next) => index = next.or(index),
            Some(Wish::Previous) => index = previous.or(index),
            Some(Wish::Redraw) | None => {}
        }
    }
}

/// Draws a value, or why there is none; tells the indices of the slices before and after.
fn draw(
    frame: &mut Frame<'_>,
    args: &Args,
    index: Option<&Index>,
    last: Option<&(Seen, Array)>,
    state: &State,
) -> [Option<Index>; 2] {
    let area = frame.area();
    let line = Rect { y: area.bottom().saturating_sub(1), height: area.height.min(1), ..area };
    let name = printable(&args.name);
    let mut parts: Vec<String> = Vec::new();
    match state {
        State::Absent => parts.push(format!("{name}: nothing of that name yet")),
        State::Closed => parts.push("closed by its writer".to_owned()),
        State::Broken(why) => parts.push(why.clone()),
        State::Open if last.is_none() => parts.push(format!("{name}: no value yet")),
        State::Open => {}
    }
    let mut neighbours = [None, None];
    match last.map(|(seen, array)| (seen, args.look.painter(array.view(), index))) {
        None => {}
        // Perhaps the next one suits.
        Some((_, Err(failure))) => parts.push(failure.to_string()),
        Some((seen, Ok(painter))) => {
            neighbours = [-1, 1].map(|by| painter.plane().neighbour(by));
            let width = args.width.map_or(area.width, |width| width.min(area.width));
            let height = args.height.unwrap_or(u16::MAX).min(area.height.saturating_sub(1));
            let mut canvas = Canvas::fit(&painter, width.into(), usize::from(height) * 2);
            canvas.flatten(args.look.background);
            paint(frame, &canvas, has_colours());
            parts.push(caption(&args.name, seen, &painter));
        }
    }
    frame.render_widget(parts.join("  "), line);
    neighbours
}

fn paint(frame: &mut Frame<'_>, canvas: &Canvas, colours: bool) {
    let buffer = frame.buffer_mut();
    let color = |pixel: Option<[u8; 4]>| pixel.map_or(Color::Reset, |[r, g, b, _]| Color::Rgb(r, g, b));
    for (line, y) in (0_u16..).zip((0..canvas.height).step_by(2)) {
        for (column, x) in (0_u16..).zip(0..canvas.width) {
            let (upper, lower) = (canvas.get(y, x), canvas.get(y + 1, x));
            let Some(cell) = buffer.cell_mut((column, line)) else { continue };
            if colours {
                cell.set_char(blocks::UPPER_HALF).set_fg(color(upper)).set_bg(color(lower));
            } else {
                cell.set_char(blocks::ramp(upper, lower));
            }
        }
    }
}
