//! The terminal as a whole screen, which is given back whatever happens.

use crate::colour::has_cursor;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::crossterm::{execute, queue};
use ratatui::{DefaultTerminal, Frame};
use std::io::IsTerminal;
use std::mem::ManuallyDrop;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Longest time between two looks at signals.
const TICK: Duration = Duration::from_millis(50);

/// The alternate screen in raw mode. Dropping it restores the terminal; so does a panic.
pub(crate) struct Screen {
    /// Its own end would complain on standard error if the terminal has gone, and panic when it cannot even do that.
    terminal: ManuallyDrop<DefaultTerminal>,
    wishes: Receiver<Wish>,
}

/// What the user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Quit,
    Next,
    Previous,
    Redraw,
}

impl Screen {
    /// Whether there is a screen to take.
    pub(crate) fn is_there() -> bool {
        std::io::stdout().is_terminal() && std::io::stdin().is_terminal() && has_cursor()
    }

    pub(crate) fn take() -> Result<Self> {
        let terminal = ratatui::try_init().map_err(|error| {
            let _ = ratatui::try_restore();
            Failure::new(Exit::Failure, format!("cannot use this terminal: {error}"))
                .advise("in a pipe it writes plain lines: add `| cat`")
        })?;
        let (sender, wishes) = channel();
        // A thread of its own, which ends with the process: reading from a terminal that has been closed never comes back.
        std::thread::spawn(move || {
            while let Ok(event) = event::read() {
                if meaning(&event).is_some_and(|wish| sender.send(wish).is_err()) {
                    break;
                }
            }
        });
        Ok(Self { terminal: ManuallyDrop::new(terminal), wishes })
    }

    pub(crate) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<()> {
        // Terminals that know these show the whole of it at once.
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(draw)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        Ok(())
    }

    /// Columns.
    pub(crate) fn width(&self) -> u16 {
        self.terminal.size().map_or(80, |size| size.width)
    }

    /// What the user wants within `time`; a signal counts as the wish to quit. In raw mode Ctrl-C is a key.
    pub(crate) fn wish(&self, time: Duration, interrupt: &Interrupt) -> Option<Wish> {
        let end = Instant::now() + time;
        loop {
            if interrupt.requested() {
                return Some(Wish::Quit);
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.wishes.recv_timeout(left.min(TICK)) {
                Ok(wish) => return Some(wish),
                Err(RecvTimeoutError::Disconnected) => return Some(Wish::Quit),
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

fn meaning(event: &Event) -> Option<Wish> {
    match event {
        Event::Resize(..) => Some(Wish::Redraw),
        Event::Key(key) if key.kind != KeyEventKind::Release => match key.code {
            KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Wish::Quit),
            KeyCode::Char('q') | KeyCode::Esc => Some(Wish::Quit),
            KeyCode::Right | KeyCode::Down | KeyCode::Char('n' | 'l' | 'j') => Some(Wish::Next),
            KeyCode::Left | KeyCode::Up | KeyCode::Char('p' | 'h' | 'k') => Some(Wish::Previous),
            _ => None,
        },
        _ => None,
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.terminal.show_cursor();
        let _ = ratatui::try_restore();
    }
}
