//! `ndsh put`

mod pace;
mod pattern;

use crate::args::Globals;
use crate::args::seconds::parse_positive;
use crate::array::{Array, literal};
use crate::complete::{dtypes, layouts, names};
use crate::endpoints::{Target, TargetArgs};
use crate::failure::{Exit, Failure, Result};
use crate::files::{Arrays, Incoming, RawLayout, is_standard_stream, npy};
use crate::output::{counted, quoted};
use crate::terminal::{Interrupt, Progress};
use clap_complete::ArgValueCompleter;
use ndsharray::ElementType;
use pace::Pace;
use pattern::Pattern;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longest time between two checks for Ctrl-C.
const TICK: Duration = Duration::from_millis(500);

/// Publish arrays from files, from a stream, or from the command line
///
/// A channel lives as long as its input. A file or a --value lasts: the channel stays with the last
/// value until `ndsh rm`, or until another writer. Standard input and pipes end, and --loop, --hold
/// and --test-pattern go on until Ctrl-C: then the channel is removed, unless --keep keeps it.
/// Arrays in Fortran order are published in C order, those of another byte order in this machine's.
/// `<V2` becomes bfloat16.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Channel to create, or to take over from a writer that has ended
    #[arg(add = ArgValueCompleter::new(names))]
    pub(super) name: String,
    /// Files to read: .npy, .npz or .png; `-` is standard input, also for several .npy or .png
    #[arg(required_unless_present_any = ["value", "test_pattern"], value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Take the files for elements alone, one value after another, such as uint8:720x1280x3
    #[arg(long, value_name = "DTYPE:AxBxC", conflicts_with = "key", add = ArgValueCompleter::new(layouts))]
    raw: Option<RawLayout>,
    /// Publish this array, written as nested lists: '[[1, 2], [3, 4]]'
    #[arg(long, value_name = "LISTS", conflicts_with_all = ["files", "raw", "key"], allow_hyphen_values = true)]
    value: Option<String>,
    /// Dtype of --value [default: as NumPy chooses]
    #[arg(long, requires = "value", conflicts_with = "files", value_parser = parse_dtype, add = ArgValueCompleter::new(dtypes))]
    dtype: Option<ElementType>,
    /// Publish moving bars with a clock and a counter, or with one number a chirp of N samples
    #[arg(
        long, value_name = "WxH", num_args = 0..=1, default_missing_value = "640x480",
        conflicts_with_all = ["files", "raw", "key", "value", "split", "repeat", "hold"]
    )]
    test_pattern: Option<Pattern>,
    /// Of .npz files, publish only the array with this key
    #[arg(long)]
    key: Option<String>,
    /// Publish the parts along the first axis one after another, not the array as one
    #[arg(long)]
    split: bool,
    /// Values a second [default: as fast as they are read; 30 with --loop and --test-pattern]
    #[arg(long, value_name = "HERTZ", value_parser = parse_positive)]
    rate: Option<f64>,
    /// Attributes to publish beside each value, such as JSON
    #[arg(long, value_name = "TEXT", default_value = "", conflicts_with = "python")]
    attributes: String,
    /// Start again at the end, until Ctrl-C
    #[arg(long = "loop")]
    repeat: bool,
    /// At the end, wait for Ctrl-C, and then remove the channel
    #[arg(long)]
    hold: bool,
    /// End after N values
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Keep the channel and its last value at the end
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    target: TargetArgs,
}

fn parse_dtype(text: &str) -> std::result::Result<ElementType, String> {
    npy::dtype(text).map(|(element, _)| element)
}

/// The name of a --value in messages.
const VALUE: &str = "--value";

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    if args.repeat && args.files.iter().any(|path| is_standard_stream(path)) {
        return Err(
            Failure::new(Exit::Usage, "--loop cannot read standard input a second time").advise("save it to a file")
        );
    }
    // Checked before the channel is created, so that a bad file leaves nothing behind.
    let first = if args.test_pattern.is_some() { None } else { Some(args.look_through()?) };
    let interrupt = Interrupt::catch()?;
    let mut put = Put {
        globals,
        args,
        interrupt: &interrupt,
        target: None,
        pace: Pace::new(args.rate_or_default()),
        progress: Progress::new("put", args.end(first.as_ref()))?,
        last: None,
        persists: args.persists(),
    };
    let done = match (first, args.test_pattern) {
        (Some(first), _) => put.run(first),
        (None, pattern) => pattern.map_or(Ok(()), |pattern| put.pattern(pattern)),
    };
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
        if let Some(text) = &self.value {
            let array = literal::parse(text, self.dtype).map_err(|what| Failure::new(Exit::Usage, what))?;
            return Ok(Arrays::of_value(VALUE, array));
        }
        let (first, others) = self.files.split_first().ok_or_else(|| Failure::new(Exit::Usage, "no file"))?;
        let first = self.open(first)?;
        let mut known = first.remaining();
        for path in others.iter().filter(|path| !is_standard_stream(path)) {
            // One at a time, as there may be more files than descriptors.
            known = known.zip(self.open(path)?.remaining()).map(|(a, b)| a + b);
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

    fn open(&self, path: &Path) -> Result<Arrays> {
        Arrays::open(path, self.key.as_deref(), self.raw.as_ref())
    }

    fn rate_or_default(&self) -> Option<f64> {
        self.rate.or((self.repeat || self.test_pattern.is_some()).then_some(30.0))
    }

    /// Returns how many values will be published, if that is known.
    fn end(&self, first: Option<&Arrays>) -> Option<u64> {
        if self.count.is_some() {
            return self.count;
        }
        if self.repeat || self.split || self.files.len() > 1 {
            return None;
        }
        first?.remaining().map(|count| count as u64)
    }

    /// Whether the channel stays at the end: what lasts as a file does, or what the user keeps.
    fn persists(&self) -> bool {
        let goes_on = self.repeat || self.hold || self.test_pattern.is_some();
        let is_stream = |path: &PathBuf| is_standard_stream(path) || !path.is_file();
        self.keep || !goes_on && !self.files.iter().any(is_stream)
    }

    /// The inputs, in order; a --value counts as one.
    fn inputs(&self) -> Vec<&Path> {
        match &self.value {
            Some(_) => vec![Path::new(VALUE)],
            None => self.files.iter().map(PathBuf::as_path).collect(),
        }
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
    /// Whether the channel stays at the end.
    persists: bool,
}

impl Put<'_> {
    fn run(&mut self, first: Arrays) -> Result<()> {
        let inputs = self.args.inputs();
        let mut next = Some(first);
        loop {
            let before = self.progress.count();
            for path in &inputs {
                let mut arrays = match next.take() {
                    Some(arrays) => arrays,
                    None => self.args.open(path)?,
                };
                self.file(&mut arrays)?;
                if self.interrupt.requested() {
                    return self.interrupted();
                }
                if self.has_all() {
                    break;
                }
                // A single file stays open, so removing it does not end the loop.
                if self.args.repeat && inputs.len() == 1 && arrays.is_rewindable() {
                    arrays.rewind()?;
                    next = Some(arrays);
                }
            }
            if self.progress.count() == before {
                return Err(Failure::new(Exit::Failure, "there is no array to publish"));
            }
            if !self.args.repeat || self.has_all() {
                break;
            }
            if self.progress.count() == before + 1
                && inputs.len() == 1
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

    /// Publishes a pattern until it is time to stop.
    fn pattern(&mut self, pattern: Pattern) -> Result<()> {
        while !self.has_all() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let array = pattern.value(self.progress.count(), now);
            if !self.publish(Incoming::of_ref(array.view()))? {
                break;
            }
        }
        Ok(())
    }

    /// Whether as many values as the user wants have been published.
    fn has_all(&self) -> bool {
        self.args.count.is_some_and(|count| self.progress.count() >= count)
    }

    fn interrupted(&self) -> Result<()> {
        match self.progress.count() {
            0 => Err(Failure::interrupted()),
            _ => Ok(()),
        }
    }

    fn what_stays(&self) -> String {
        if !self.persists {
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
        if self.has_all() || self.pace.wait(self.interrupt) {
            return Ok(false);
        }
        let target = match &mut self.target {
            Some(target) => target,
            None => {
                let persist = self.persists;
                self.target.insert(Target::create(self.globals, &self.args.target, &self.args.name, persist)?)
            }
        };
        target.take(incoming, self.args.attributes.as_bytes())?;
        self.progress.step();
        Ok(true)
    }
}
