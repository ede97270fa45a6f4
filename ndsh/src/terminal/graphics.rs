//! Whether the terminal shows pictures, and in which language: it is asked.

use super::colour::{Depth, is_dumb};
use crate::args::seconds::parse_seconds;
use crate::failure::{Exit, Failure, Result};
use clap::ValueEnum;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// The environment variable that stands for the option.
pub(crate) const VARIABLE: &str = "NDSH_GRAPHICS";

/// Whether it knows kitty's protocol; the size of a character in pixels; its name; and what every
/// terminal answers, so that no answer is waited for in vain: its attributes.
const QUESTIONS: &str = "\u{1b}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\u{1b}\\\u{1b}[16t\u{1b}[>q\u{1b}[c";
/// The environment variable that says how long to wait for the answers.
pub(crate) const WAIT_VARIABLE: &str = "NDSH_GRAPHICS_WAIT";

/// The longest wait for the answers, if that variable says nothing else.
const PATIENCE: Duration = Duration::from_secs(1);
/// The longest wait that it can ask for.
const MOST_PATIENCE: Duration = Duration::from_secs(60);
/// The longest answers that are listened to, in bytes.
const LONGEST: usize = 4096;
/// Width and height of a character in pixels, if the terminal does not say.
const CELL: (u16, u16) = (10, 20);
/// The largest character that is believed in.
const LARGEST_CELL: u16 = 256;
/// Most pixels across and down a picture.
const MOST: usize = 4096;

/// How a picture gets to the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphicsArg {
    /// As the terminal says that it can
    Auto,
    /// Pixels, in kitty's graphics protocol
    Kitty,
    /// Pixels, as inline images of iTerm2
    Iterm2,
    /// Pixels, as sixels, in up to 256 colours
    Sixel,
    /// Characters, each of which has two pixels
    #[value(alias = "none")]
    Blocks,
}

/// A language for pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Kitty,
    Iterm2,
    Sixel,
}

/// What the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Graphics {
    pub(crate) protocol: Protocol,
    /// Width and height of a character in pixels.
    cell: (u16, u16),
}

impl Graphics {
    /// Finds out how to show pictures on standard output; `None` for characters.
    ///
    /// It is as the user wants it, else as the terminal answers.
    pub(crate) fn of_stdout(wanted: Option<GraphicsArg>) -> Result<Option<Self>> {
        let wanted = match wanted {
            Some(wanted) => wanted,
            None => from_variable()?,
        };
        let forced = match wanted {
            GraphicsArg::Blocks => return Ok(None),
            GraphicsArg::Auto => None,
            GraphicsArg::Kitty => Some(Protocol::Kitty),
            GraphicsArg::Iterm2 => Some(Protocol::Iterm2),
            GraphicsArg::Sixel => Some(Protocol::Sixel),
        };
        let is_terminal = io::stdout().is_terminal() && !is_dumb();
        if forced.is_none() && (!is_terminal || Depth::of_stdout() == Depth::None) {
            return Ok(None);
        }
        let cell = window_cell();
        let asks = is_terminal && (forced.is_none() || cell.is_none());
        let answers = if asks { ask(patience()?) } else { Answers::default() };
        let Some(protocol) = forced.or(answers.protocol()) else { return Ok(None) };
        Ok(Some(Self { protocol, cell: cell.or(answers.cell).unwrap_or(CELL) }))
    }

    /// The pixels in so many columns and lines.
    pub(crate) fn pixels(&self, columns: u16, lines: u16) -> (usize, usize) {
        let (width, height) = self.cell;
        let height = usize::from(lines) * usize::from(height);
        // Sixels come six rows at a time, and none may lie below the last line.
        let height = if self.protocol == Protocol::Sixel { (height / 6 * 6).max(6) } else { height };
        ((usize::from(columns) * usize::from(width)).min(MOST), height.min(MOST))
    }
}

fn from_variable() -> Result<GraphicsArg> {
    let Some(value) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
        return Ok(GraphicsArg::Auto);
    };
    value.to_str().and_then(|value| GraphicsArg::from_str(value, true).ok()).ok_or_else(|| {
        let names: Vec<_> = GraphicsArg::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect();
        let names: Vec<_> = names.iter().map(clap::builder::PossibleValue::get_name).collect();
        Failure::new(Exit::Usage, format!("{VARIABLE} is {value:?}")).advise(format!("it may be {}", names.join(", ")))
    })
}

fn patience() -> Result<Duration> {
    let Some(value) = std::env::var_os(WAIT_VARIABLE).filter(|value| !value.is_empty()) else {
        return Ok(PATIENCE);
    };
    let seconds = value.to_str().ok_or_else(|| "not a number of seconds".to_owned()).and_then(parse_seconds);
    let seconds = seconds.map_err(|why| Failure::new(Exit::Usage, format!("{WAIT_VARIABLE} is {value:?}: {why}")))?;
    Ok(seconds.min(MOST_PATIENCE))
}

/// The size of a character, if the system knows the window's in pixels.
fn window_cell() -> Option<(u16, u16)> {
    let size = ratatui::crossterm::terminal::window_size().ok()?;
    believed(size.width.checked_div(size.columns)?, size.height.checked_div(size.rows)?)
}

fn believed(width: u16, height: u16) -> Option<(u16, u16)> {
    let is_sane = |side: u16| (1..=LARGEST_CELL).contains(&side);
    (is_sane(width) && is_sane(height)).then_some((width, height))
}

/// What a terminal has answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Answers {
    kitty: bool,
    iterm2: bool,
    sixel: bool,
    cell: Option<(u16, u16)>,
    /// Whether the last answer is there.
    are_complete: bool,
}

/// Asks the terminal, and waits for its answers, but not for long.
fn ask(patience: Duration) -> Answers {
    let mut heard = Vec::new();
    // Without answers there are characters, whatever the reason.
    let _ = listen(&mut heard, patience);
    Answers::of(&heard)
}

fn listen(heard: &mut Vec<u8>, patience: Duration) -> io::Result<()> {
    let stdout = io::stdout();
    // The same terminal reads and writes. One that another process group has stops who reads it.
    if nix::unistd::tcgetpgrp(&stdout)? != nix::unistd::getpgrp() {
        return Ok(());
    }
    let silence = Silence::begin()?;
    let mut out = io::stdout().lock();
    out.write_all(QUESTIONS.as_bytes())?;
    out.flush()?;
    drop(out);
    let end = Instant::now() + patience;
    let mut buffer = [0; 256];
    while heard.len() < LONGEST && !Answers::of(heard).are_complete {
        let left = end.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        let mut polled = [PollFd::new(stdout.as_fd(), PollFlags::POLLIN)];
        match poll(&mut polled, left) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
        }
        match nix::unistd::read(&stdout, &mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => heard.extend(buffer.iter().take(count)),
            Err(nix::errno::Errno::EINTR | nix::errno::Errno::EAGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
    drop(silence);
    Ok(())
}

/// A terminal that shows no input and holds none back until its line ends; restored when dropped.
struct Silence(Termios);

impl Silence {
    fn begin() -> io::Result<Self> {
        let stdout = io::stdout();
        let before = tcgetattr(&stdout)?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        for (which, value) in [(SpecialCharacterIndices::VMIN, 0), (SpecialCharacterIndices::VTIME, 0)] {
            if let Some(place) = silent.control_chars.get_mut(which as usize) {
                *place = value;
            }
        }
        tcsetattr(&stdout, SetArg::TCSADRAIN, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // What has come too late is no command for the shell.
        let _ = tcsetattr(io::stdout(), SetArg::TCSAFLUSH, &self.0);
    }
}

impl Answers {
    /// The best language that it knows.
    fn protocol(&self) -> Option<Protocol> {
        match self {
            Self { kitty: true, .. } => Some(Protocol::Kitty),
            Self { iterm2: true, .. } => Some(Protocol::Iterm2),
            Self { sixel: true, .. } => Some(Protocol::Sixel),
            _ => None,
        }
    }

    /// Reads answers among what else may have been typed.
    fn of(heard: &[u8]) -> Self {
        let mut answers = Self::default();
        let mut rest = heard;
        while let Some(start) = rest.iter().position(|byte| *byte == 0x1b) {
            let [_, kind, after @ ..] = rest.get(start..).unwrap_or_default() else { break };
            rest = match kind {
                b'[' => {
                    let Some(end) = after.iter().position(|byte| (0x40..0x7f).contains(byte)) else { break };
                    let (parameters, after) = after.split_at(end);
                    let [last, after @ ..] = after else { break };
                    answers.note_sequence(parameters, *last);
                    after
                }
                b'_' | b'P' => {
                    let Some(end) = after.windows(2).position(|pair| pair == b"\x1b\\") else { break };
                    answers.note_text(*kind, after.get(..end).unwrap_or_default());
                    after.get(end + 2..).unwrap_or_default()
                }
                _ => rest.get(start + 1..).unwrap_or_default(),
            };
        }
        answers
    }

    fn note_sequence(&mut self, parameters: &[u8], last: u8) {
        let text = std::str::from_utf8(parameters).unwrap_or_default();
        match last {
            b'c' => {
                let Some(attributes) = text.strip_prefix('?') else { return };
                self.are_complete = true;
                // The first one is its class.
                self.sixel = attributes.split(';').skip(1).any(|attribute| attribute == "4");
            }
            b't' => {
                if let ["6", height, width] = text.split(';').collect::<Vec<_>>()[..]
                    && let (Ok(width), Ok(height)) = (width.parse(), height.parse())
                {
                    self.cell = believed(width, height);
                }
            }
            _ => {}
        }
    }

    fn note_text(&mut self, kind: u8, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        match kind {
            b'_' => self.kitty |= text.starts_with("Gi=31") && text.ends_with(";OK"),
            _ => {
                let name = text.strip_prefix(">|").unwrap_or_default().to_lowercase();
                self.iterm2 |= ["iterm2", "wezterm"].iter().any(|known| name.starts_with(known));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers_of_terminals() {
        let kitty = Answers::of(b"\x1b_Gi=31;OK\x1b\\\x1b[6;20;10t\x1bP>|kitty(0.40.1)\x1b\\\x1b[?62;c");
        let all = Answers { kitty: true, cell: Some((10, 20)), are_complete: true, ..Answers::default() };
        assert_eq!((kitty.protocol(), kitty), (Some(Protocol::Kitty), all));
        let xterm = Answers::of(b"\x1b[6;13;6t\x1bP>|XTerm(390)\x1b\\\x1b[?64;1;2;4;6;22c");
        assert_eq!((xterm.protocol(), xterm.cell), (Some(Protocol::Sixel), Some((6, 13))));
        let iterm = Answers::of(b"\x1bP>|iTerm2 3.5.10\x1b\\\x1b[?64;1;2;4;6c");
        assert_eq!(iterm.protocol(), Some(Protocol::Iterm2));
        for bare in ["\x1b[?62;22c", "\x1b[?6c", "\x1b[?4c", "\x1b_Gi=31;ENOTSUPPORTED\x1b\\\x1b[?1;2c"] {
            let answers = Answers::of(bare.as_bytes());
            assert!(answers.are_complete && answers.protocol().is_none(), "{bare:?}");
        }
        // Keys that were typed meanwhile, and answers that are not whole.
        let typed = Answers::of(b"ls -l\r\x1b[A\x1bOP\x1b\x1b[?1;4cq");
        assert!(typed.sixel && typed.are_complete);
        for cut in ["", "\x1b", "\x1b[", "\x1b[?62;4", "\x1b_Gi=31;OK", "\x1b[4c", "\x1bP>|"] {
            assert_eq!(Answers::of(cut.as_bytes()), Answers::default(), "{cut:?}");
        }
        for (nonsense, cell) in [("6;0;0", None), ("6;65535;9", None), ("6;999999;9", None), ("6;9;8", Some((8, 9)))] {
            assert_eq!(Answers::of(format!("\x1b[{nonsense}t").as_bytes()).cell, cell);
        }
    }

    #[test]
    fn the_last_line_stays_free() {
        let sixel = Graphics { protocol: Protocol::Sixel, cell: (7, 17) };
        assert_eq!(sixel.pixels(10, 3), (70, 48));
        assert_eq!(Graphics { protocol: Protocol::Kitty, ..sixel }.pixels(10, 3), (70, 51));
        assert_eq!(sixel.pixels(u16::MAX, u16::MAX), (MOST, MOST));
    }

    proptest! {
        #[test]
        fn any_answer_is_read(bytes: Vec<u8>) {
            let _ = Answers::of(&bytes);
            let _ = Answers::of(&[b"\x1b[".as_slice(), &bytes].concat());
        }
    }
}
