//! `ndsh put`

use crate::args::Globals;
use crate::args::seconds::{due, parse_positive};
use crate::array::Array;
use crate::endpoints::{Target, TargetArgs};
use crate::failure::{Exit, Failure, Result};
use crate::files::{Arrays, Incoming, is_standard_stream};
use crate::output::{counted, quoted};
use crate::terminal::{Interrupt, Progress};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Longest time between two checks for Ctrl-C.
const TICK: Duration = Duration::from_millis(500);

/// Publish arrays from files
///
/// At the end the channel and its last value stay until `ndsh rm`, or until another writer. With
/// --loop or --hold the channel lives until Ctrl-C, and is removed then. Arrays in Fortran order
/// are published in C order, those of another byte order in this machine's. `V2` becomes bfloat16.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Channel to create, or to take over from a writer that has ended
    pub(super) name: String,
    /// Files to read: .npy, .npz or .png; `-` is standard input, also for several .npy
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Of .npz files, publish only the array with this key
    #[arg(long)]
    key: Option<String>,
    /// Publish the parts along the first axis one after another, not the array as one
    #[arg(long)]
    split: bool,
    /// Values a second [default: as fast as they are read; 30 with --loop]
    #[arg(long, value_name = "HERTZ", value_parser = parse_positive)]
    rate: Option<f64>,
    /// Start again at the end, until Ctrl-C
    #[arg(long = "loop")]
    repeat: bool,
    /// At the end, wait for Ctrl-C, and then remove the channel
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
    // Checked before the channel is created, so that a bad file leaves nothing behind.
    let first = args.look_through()?;
    let interrupt = Interrupt::catch()?;
    let mut put = Put {
        globals,
        args,
        interrupt: &interrupt,
        target: None,
        pace: Pace::new(args.rate_or_default()),
        progress: Progress::new("put", args.end(&first))?,
        last: None,
    };
    let done = put.run(first);
    let count = put.progress.count();
    done.map_err(|failure| match count {
        0 => failure,
        // Readers may have seen these values, so they are reported.
        _ => failure.explain(format!("{} had been published before{}", counted(count, "value"), put.what_stays())),
    })
}

impl Args {
    /// Opens all files, so that none is missing later, and returns the first.
    fn look_through(&self) -> Result<Arrays> {
        let key = self.key.as_deref();
        let (first, others) = self.files.split_first().ok_or_else(|| Failure::new(Exit::Usage, "no file"))?;
        let first = Arrays::open(first, key)?;
        let mut known = first.remaining();
        for path in others.iter().filter(|path| !is_standard_stream(path)) {
            // One at a time, as there may be more files than descriptors.
            known = known.zip(Arrays::open(path, key)?.remaining()).map(|(a, b)| a + b);
        }
        let several = !others.is_empty() || self.split || known.is_some_and(|count| count > 1);
        let streamed = known.is_none() && others.is_empty();
        // Without a rate, readers would see only the last of several values.
        if several && self.rate_or_default().is_none() && !streamed {
            return Err(Failure::new(Exit::Usage, "there are several values, and readers see the latest only")
                .advise("say --rate 30, or choose one array of a .npz file with --key"));
        }
        if known == Some(0) {
            return Err(Failure::new(Exit::Failure, "there is no array to publish"));
        }
        Ok(first)
    }

    fn rate_or_default(&self) -> Option<f64> {
        self.rate.or(self.repeat.then_some(30.0))
    }

    /// Returns how many values will be published, if that is known.
    fn end(&self, first: &Arrays) -> Option<u64> {
        if self.repeat || self.split || self.files.len() > 1 {
            return None;
        }
        first.remaining().map(|count| count as u64)
    }

    /// Whether the channel stays at the end.
    fn persists(&self) -> bool {
        !self.repeat && !self.hold
    }
}

/// A publication under way.
struct Put<'a> {
    globals: &'a Globals,
    args: &'a Args,
    interrupt: &'a Interrupt,
    /// Created for the first value.
    target: Option<Target>,
    pace: Pace,
    progress: Progress,
    /// With --loop, the last array of a source that cannot rewind.
    ///
    /// If the source has no other array, this one is published again and again.
    last: Option<Array>,
}

impl Put<'_> {
    fn run(&mut self, first: Arrays) -> Result<()> {
        let mut next = Some(first);
        loop {
            let before = self.progress.count();
            for path in &self.args.files {
                let mut arrays = match next.take() {
                    Some(arrays) => arrays,
                    None => Arrays::open(path, self.args.key.as_deref())?,
                };
                self.file(&mut arrays)?;
                if self.interrupt.requested() {
                    return self.interrupted();
                }
                // A single file stays open, so removing it does not end the loop.
                if self.args.repeat && self.args.files.len() == 1 && arrays.is_rewindable() {
                    arrays.rewind()?;
                    next = Some(arrays);
                }
            }
            if self.progress.count() == before {
                return Err(Failure::new(Exit::Failure, "there is no array to publish"));
            }
            if !self.args.repeat {
                break;
            }
            if self.progress.count() == before + 1
                && self.args.files.len() == 1
                && let Some(array) = self.last.take()
            {
                while self.publish(Incoming::of_ref(array.view()))? {}
                return Ok(());
            }
        }
        if self.args.hold {
            while !self.interrupt.sleep(TICK) {}
        }
        Ok(())
    }

    fn interrupted(&self) -> Result<()> {
        match self.progress.count() {
            0 => Err(Failure::interrupted()),
            _ => Ok(()),
        }
    }

    fn what_stays(&self) -> String {
        if !self.args.persists() {
            return String::new();
        }
        let name = quoted(&self.args.name);
        format!("; the channel stays with the last one, until `ndsh rm {name}` or another writer")
    }

    /// Publishes the arrays of a file, until it is time to stop.
    fn file(&mut self, arrays: &mut Arrays) -> Result<()> {
        let keep = self.args.repeat && !self.args.split && !arrays.is_rewindable();
        while let Some(true) = arrays.next(|name, incoming| {
            if self.args.split {
                return incoming
                    .split(|part| self.publish(part))?
                    .ok_or_else(|| Failure::new(Exit::Usage, format!("{name}: --split needs an array with an axis")));
            }
            if !keep {
                return self.publish(incoming);
            }
            let array = incoming.into_array()?;
            let goes_on = self.publish(Incoming::of_ref(array.view()))?;
            self.last = Some(array);
            Ok(goes_on)
        })? {}
        Ok(())
    }

    /// Publishes one value when it is due; returns false when it is time to stop.
    fn publish(&mut self, incoming: Incoming<'_>) -> Result<bool> {
        if self.pace.wait(self.interrupt) {
            return Ok(false);
        }
        let target = match &mut self.target {
            Some(target) => target,
            None => {
                let persist = self.args.persists();
                self.target.insert(Target::create(self.globals, &self.args.target, &self.args.name, persist)?)
            }
        };
        target.take(incoming)?;
        self.progress.step();
        Ok(true)
    }
}

/// Spaces values evenly.
struct Pace {
    rate: Option<f64>,
    start: Option<Instant>,
    count: f64,
}

impl Pace {
    fn new(rate: Option<f64>) -> Self {
        Self { rate, start: None, count: 0.0 }
    }

    /// Sleeps until the next value is due; returns true when it is time to stop.
    fn wait(&mut self, interrupt: &Interrupt) -> bool {
        let start = *self.start.get_or_insert_with(Instant::now);
        let Some(rate) = self.rate else { return interrupt.requested() };
        let due = due(self.count / rate);
        self.count += 1.0;
        interrupt.sleep(due.saturating_sub(start.elapsed()))
    }
}
