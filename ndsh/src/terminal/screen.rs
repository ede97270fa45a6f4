//! The whole terminal as a screen, restored in every case.

use super::colour::has_cursor;
use super::interrupt::Interrupt;
use crate::failure::{Exit, Failure, Result};
use ratatui::crossterm::cursor::MoveTo;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::crossterm::{execute, queue};
use ratatui::{DefaultTerminal, Frame};
use std::io::{IsTerminal, Write};
use std::mem::ManuallyDrop;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Longest time between two checks for signals.
const TICK: Duration = Duration::from_millis(50);

/// The alternate screen in raw mode; dropping it or a panic restores the terminal.
pub(crate) struct Screen {
    /// Not dropped: if the terminal has gone, its `drop` prints and may panic.
    terminal: ManuallyDrop<DefaultTerminal>,
    actions: Receiver<Action>,
}

/// What the user asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Quit,
    Next,
    Previous,
    Redraw,
    /// Another key.
    Key(char),
}

impl Screen {
    /// Whether there is a terminal to take.
    pub(crate) fn is_there() -> bool {
        std::io::stdout().is_terminal() && std::io::stdin().is_terminal() && has_cursor()
    }

    pub(crate) fn take() -> Result<Self> {
        let terminal = ratatui::try_init().map_err(|error| {
            let _ = ratatui::try_restore();
            Failure::new(Exit::Failure, format!("cannot use this terminal: {error}"))
                .advise("in a pipe it writes plain lines: add `| cat`")
        })?;
        let (sender, actions) = channel();
        // A thread of its own, as reading from a terminal that was closed never returns. It ends
        // with the process.
        std::thread::spawn(move || {
            while let Ok(event) = event::read() {
                if meaning(&event).is_some_and(|action| sender.send(action).is_err()) {
                    break;
                }
            }
        });
        Ok(Self { terminal: ManuallyDrop::new(terminal), actions })
    }

    pub(crate) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<()> {
        // Terminals that know these two show the new content at once.
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(draw)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        Ok(())
    }

    /// Writes something over the screen, from its upper left corner on.
    ///
    /// What is drawn next does not know of it.
    pub(crate) fn put(&mut self, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
        let to = self.terminal.backend_mut();
        queue!(to, BeginSynchronizedUpdate, MoveTo(0, 0))?;
        write(to)?;
        execute!(to, EndSynchronizedUpdate)?;
        Ok(())
    }

    /// Forgets and clears what is on the screen; `erase` removes what a clearing leaves.
    pub(crate) fn clear(&mut self, erase: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
        erase(self.terminal.backend_mut())?;
        Ok(self.terminal.clear()?)
    }

    /// The screen's width in columns.
    pub(crate) fn width(&self) -> u16 {
        self.terminal.size().map_or(80, |size| size.width)
    }

    /// The screen's height in lines.
    pub(crate) fn height(&self) -> u16 {
        self.terminal.size().map_or(24, |size| size.height)
    }

    /// Waits up to `time` for an action of the user.
    ///
    /// A signal counts as quitting. In raw mode Ctrl-C is a key.
    pub(crate) fn next_action(&self, time: Duration, interrupt: &Interrupt) -> Option<Action> {
        let end = Instant::now() + time;
        loop {
            if interrupt.requested() {
                return Some(Action::Quit);
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.actions.recv_timeout(left.min(TICK)) {
                Ok(action) => return Some(action),
                Err(RecvTimeoutError::Disconnected) => return Some(Action::Quit),
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

fn meaning(event: &Event) -> Option<Action> {
    match event {
        Event::Resize(..) => Some(Action::Redraw),
        Event::Key(key) if key.kind != KeyEventKind::Release => match key.code {
            KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Action::Quit),
            KeyCode::Char('q') | KeyCode::Esc => Some(Action::Quit),
            KeyCode::Right | KeyCode::Down | KeyCode::Char('n' | 'l' | 'j') => Some(Action::Next),
            KeyCode::Left | KeyCode::Up | KeyCode::Char('p' | 'h' | 'k') => Some(Action::Previous),
            KeyCode::Char(other) => Some(Action::Key(other)),
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
