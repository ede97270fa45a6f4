//! Arguments of commands that read a value.

use super::source::{Source, Value, Which};
use crate::args::seconds::parse_seconds;
use crate::args::{Globals, KindArg};
use crate::complete::{layouts, names};
use crate::failure::{Failure, Result};
use crate::files::RawLayout;
use crate::terminal::Interrupt;
use clap_complete::ArgValueCompleter;
use std::time::{Duration, Instant};

/// What to read.
#[derive(clap::Args)]
pub(crate) struct SourceArgs {
    /// Channel or shared array
    #[arg(add = ArgValueCompleter::new(names))]
    pub(crate) name: String,
    /// Kind, if several have the name [default: channel, else array, else python]
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// Read a block of another program, such as Python's SharedMemory, with this dtype and shape
    ///
    /// For example uint8:720x1280x3. Such memory has no lock, so what is read may be torn.
    #[arg(long, value_name = "DTYPE:AxBxC", conflicts_with = "kind", add = ArgValueCompleter::new(layouts))]
    raw: Option<RawLayout>,
    /// Wait up to SECONDS for a value
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    wait: Option<Duration>,
}

impl SourceArgs {
    pub(crate) fn which(&self) -> Which {
        Which { kind: self.kind, raw: self.raw.clone(), records: false }
    }

    /// The same, for a command that also takes elements that are records.
    pub(crate) fn which_or_records(&self) -> Which {
        Which { records: true, ..self.which() }
    }

    /// Opens it, in the time that the user gave.
    pub(crate) fn open(&self, globals: &Globals, which: &Which, interrupt: &Interrupt) -> Result<Source> {
        Source::open_within(globals, &self.name, which, self.wait, interrupt)
    }

    /// Reads the current value, or the first one in the time that the user gave.
    pub(crate) fn first<R>(
        &self,
        globals: &Globals,
        which: &Which,
        interrupt: &Interrupt,
        look: impl FnMut(Value<'_>) -> Result<R>,
    ) -> Result<R> {
        let start = Instant::now();
        let source = self.open(globals, which, interrupt)?;
        self.first_of(source, start, interrupt, look)
    }

    /// As [`first`](Self::first), of what was opened after `start`.
    pub(crate) fn first_of<R>(
        &self,
        mut source: Source,
        start: Instant,
        interrupt: &Interrupt,
        look: impl FnMut(Value<'_>) -> Result<R>,
    ) -> Result<R> {
        let found = source.first(start, self.wait.unwrap_or_default(), interrupt, look)?;
        found.unwrap_or_else(|| Err(Failure::no_value(&self.name)))
    }
}
