//! `ndsh put`

use crate::args::Globals;
use crate::array::{Array, ArrayRef};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::files::{Arrays, is_standard_stream};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::seconds::{due, parse_positive};
use crate::target::{Target, TargetArgs};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often somebody who waits looks up.
const TICK: Duration = Duration::from_millis(500);

/// Publish arrays from files
///
/// When all has been published, the channel stays, with its last value, until `ndsh rm` or another writer; with --loop or --hold it lives until Ctrl-C,
/// and is removed then. Arrays in Fortran order or of another byte order are turned; `V2` is taken for bfloat16.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Channel to make, or to take over when its writer has gone
    name: String,
    /// Files to read, .npy, .npz or .png; `-` is standard input, also with one .npy after another
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Of .npz files, only the array with this key
    #[arg(long)]
    key: Option<String>,
    /// Publish the parts along the first axis, one after another, instead of the array as one
    #[arg(long)]
    split: bool,
    /// Values a second [default: as fast as they are read; 30 with --loop]
    #[arg(long, value_name = "HERTZ", value_parser = parse_positive)]
    rate: Option<f64>,
    /// Start again at the end, until Ctrl-C
    #[arg(long = "loop")]
    repeat: bool,
    /// When all has been published, wait for Ctrl-C, and remove the channel then
    #[arg(long)]
    hold: bool,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    if args.repeat && args.files.iter().any(|path| is_standard_stream(path)) {
        return Err(
            Failure::new(Exit::Usage, "--loop cannot read standard input a second time").advise("save it to a file")
        );
    }
    // Before the channel is made: a file that cannot be read is to leave nothing behind.
    let first = Arrays::open(args.first()?, args.key.as_deref())?;
    args.check_pace(&first)?;
    let interrupt = Interrupt::catch()?;
    let mut put = Put {
        globals,
        args,
        interrupt: &interrupt,
        target: None,
        pace: Pace::new(args.rate_or_default()),
        progress: Progress::new("put", args.end(&first))?,
    };
    let mut first = Some(first);
    loop {
        let before = put.progress.count();
        let mut kept = None;
        for path in &args.files {
            let arrays = match first.take() {
                Some(arrays) => arrays,
                None => Arrays::open(path, args.key.as_deref())?,
            };
            kept = put.file(arrays)?;
            if interrupt.requested() {
                return Ok(());
            }
        }
        if put.progress.count() == before {
            return Err(Failure::new(Exit::Failure, "there is no array to publish"));
        }
        if !args.repeat {
            break;
        }
        // The only array there is need not be read again.
        if let (Some(array), true) = (kept, put.progress.count() == before + 1 && args.files.len() == 1) {
            while put.publish(array.view())? {}
            return Ok(());
        }
    }
    if args.hold {
        while !interrupt.sleep(TICK) {}
    }
    Ok(())
}

impl Args {
    fn first(&self) -> Result<&Path> {
        self.files.first().map(PathBuf::as_path).ok_or_else(|| Failure::new(Exit::Usage, "no file"))
    }

    fn rate_or_default(&self) -> Option<f64> {
        self.rate.or(self.repeat.then_some(30.0))
    }

    /// Values to come, where that is known beforehand.
    fn end(&self, first: &Arrays) -> Option<u64> {
        if self.repeat || self.split || self.files.len() > 1 {
            return None;
        }
        first.remaining().map(|count| count as u64)
    }

    /// Several values at once would be one to everybody who looks: the last.
    fn check_pace(&self, first: &Arrays) -> Result<()> {
        let several = self.files.len() > 1 || self.split || first.remaining().is_some_and(|count| count > 1);
        if several && self.rate_or_default().is_none() && !is_standard_stream(self.first()?) {
            return Err(Failure::new(Exit::Usage, "there are several values, and readers see the latest only")
                .advise("say --rate 30, or choose one array of a .npz file with --key"));
        }
        Ok(())
    }
}

/// A publication under way.
struct Put<'a> {
    globals: &'a Globals,
    args: &'a Args,
    interrupt: &'a Interrupt,
    /// Made for the first value.
    target: Option<Target>,
    pace: Pace,
    progress: Progress,
}

impl Put<'_> {
    /// Publishes what is in a file; gives back the last array.
    fn file(&mut self, mut arrays: Arrays) -> Result<Option<Array>> {
        let mut last = None;
        while let Some(named) = arrays.next()? {
            if self.args.split {
                let parts = named.array.along_first_axis().ok_or_else(|| {
                    Failure::new(Exit::Usage, format!("{}: --split needs an array with an axis", named.name))
                })?;
                for part in parts {
                    if !self.publish(part)? {
                        return Ok(None);
                    }
                }
            } else if !self.publish(named.array.view())? {
                return Ok(None);
            }
            last = Some(named.array);
        }
        Ok(last)
    }

    /// Publishes one value when it is due; `false` when it is time to stop.
    fn publish(&mut self, array: ArrayRef<'_>) -> Result<bool> {
        if self.pace.wait(self.interrupt) {
            return Ok(false);
        }
        let target = match &mut self.target {
            Some(target) => target,
            None => {
                let persist = !self.args.repeat && !self.args.hold;
                self.target.insert(Target::create(self.globals, &self.args.target, &self.args.name, persist)?)
            }
        };
        target.write(array)?;
        self.progress.step();
        Ok(true)
    }
}

/// So many values a second.
struct Pace {
    rate: Option<f64>,
    start: Option<Instant>,
    count: f64,
}

impl Pace {
    fn new(rate: Option<f64>) -> Self {
        Self { rate, start: None, count: 0.0 }
    }

    /// Sleeps until the next value is due; `true` when it is time to stop.
    fn wait(&mut self, interrupt: &Interrupt) -> bool {
        let start = *self.start.get_or_insert_with(Instant::now);
        let Some(rate) = self.rate else { return interrupt.requested() };
        let due = due(self.count / rate);
        self.count += 1.0;
        interrupt.sleep(due.saturating_sub(start.elapsed()))
    }
}
