//! `ndsh record`

use crate::args::seconds::parse_seconds;
use crate::args::{Globals, KindArg};
use crate::array::Array;
use crate::complete::names;
use crate::endpoints::{News, Source, Value, Which};
use crate::failure::{Exit, Failure, Result};
use crate::output::{size, tell, unix_time};
use crate::recording::{Note, Recorder};
use crate::terminal::{Interrupt, Progress};
use clap_complete::ArgValueCompleter;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Longest time between two checks for Ctrl-C.
const TICK: Duration = Duration::from_millis(100);
/// Values that may wait for the disk; being copies, they occupy no slot.
const QUEUE: usize = 16;

/// Save one value after another, with their times
///
/// DIR gets a file 00000000.npy and so on for each value, and index.jsonl with their times.
/// FILE.npz is one archive: `numpy.load(FILE)` has the values under the keys 00000000 and so on,
/// and the arrays time, unix_time, seq, missed, epoch and incarnation; attributes are the bytes
/// 00000000_attributes and so on. Recording begins with the current value. A
/// channel has no queue: a value that comes too fast for the disk is missed, and counted as missed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Channel
    #[arg(add = ArgValueCompleter::new(names))]
    pub(super) name: String,
    /// Kind, if several have the name [default: channel, else array, else python]
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// Directory to create, or file that ends with .npz
    to: PathBuf,
    /// End after N values
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// End after SECONDS
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    seconds: Option<Duration>,
    /// Wait up to SECONDS for the channel to appear
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    wait: Option<Duration>,
    /// When the writer closes the channel, wait for the next writer instead of ending
    #[arg(long, alias = "follow")]
    reopen: bool,
}

/// A value on its way to the disk.
type Taken = (Note, Array, Vec<u8>);

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let interrupt = Interrupt::catch()?;
    let which = Which { kind: args.kind, ..Which::default() };
    let source = Source::open_within(globals, &args.name, &which, args.wait, &interrupt)?;
    if !source.is_channel() {
        return Err(Failure::new(Exit::Usage, "a shared array changes in place and has no values one after another")
            .advise("`ndsh get NAME FILE` saves what it holds now"));
    }
    let recorder = Recorder::create(&args.to)?;
    let progress = Progress::new("record", args.count)?;
    let (sender, receiver) = sync_channel(QUEUE);
    let (taken, missed) = std::thread::scope(|scope| {
        let keeper = scope.spawn(|| keep(recorder, receiver));
        let taken = take(source, args, &interrupt, &progress, sender);
        let kept = keeper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // An error of the disk ends the reading too, and says more.
        kept.and(taken)
    })?;
    drop(progress);
    tell(format_args!("{taken} values recorded, {missed} missed"));
    match args.seconds {
        Some(_) if taken == 0 && args.count != Some(0) && !interrupt.requested() => Err(Failure::no_value(&args.name)),
        _ => Ok(()),
    }
}

/// Reads values until it is time to stop; returns how many it read and missed.
fn take(
    mut source: Source,
    args: &Args,
    interrupt: &Interrupt,
    progress: &Progress,
    to: SyncSender<Taken>,
) -> Result<(u64, u64)> {
    let start = Instant::now();
    let mut clock = Clock::default();
    let (mut missed, mut bytes) = (0, 0);
    while args.count.is_none_or(|count| progress.count() < count) && !interrupt.requested() {
        let left = args.seconds.map_or(TICK, |seconds| seconds.saturating_sub(start.elapsed()));
        if left.is_zero() {
            break;
        }
        match source.wait(left.min(TICK), |value| clock.take(&value))? {
            News::Value(taken) => {
                let taken = taken?;
                missed += taken.0.missed.unwrap_or(0);
                bytes += taken.1.bytes.len() as u64;
                if to.send(taken).is_err() {
                    break;
                }
                progress.step();
                progress.say(format!("{}  {missed} missed", size(bytes)));
            }
            News::Nothing | News::Locked => {}
            News::Closed if args.reopen => {
                interrupt.sleep(TICK / 4);
            }
            News::Closed => break,
        }
    }
    Ok((progress.count(), missed))
}

/// Writes values until the channel's reader ends.
fn keep(mut recorder: Recorder, from: Receiver<Taken>) -> Result<()> {
    for (note, array, attributes) in from {
        recorder.add(note, array.view(), &attributes)?;
    }
    recorder.finish()
}

/// Computes when values were written.
#[derive(Default)]
struct Clock {
    /// When the recording began: on the monotonic clock, and in seconds since 1970.
    origin: Option<(Instant, f64)>,
}

/// Greatest age of a first value that counts as part of the stream.
///
/// An older one is taken to be written when the recording began, so that a player does not wait for
/// it.
const STREAM: Duration = Duration::from_secs(60);

impl Clock {
    fn take(&mut self, value: &Value<'_>) -> Result<Taken> {
        let note = self.note(Instant::now(), SystemTime::now(), value);
        Ok((note, value.array.to_array()?, value.attributes.to_vec()))
    }

    fn note(&mut self, now: Instant, time: SystemTime, value: &Value<'_>) -> Note {
        let age = value.age.unwrap_or_default();
        let (origin, unix) = *self.origin.get_or_insert_with(|| {
            let unix = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            // The recording begins when its first value was written, so the first interval is
            // whole.
            match now.checked_sub(age).filter(|_| age <= STREAM) {
                Some(written) => (written, unix.saturating_sub(age).as_secs_f64()),
                None => (now, unix.as_secs_f64()),
            }
        });
        let written = now.duration_since(origin).as_secs_f64() - age.as_secs_f64();
        let (epoch, incarnation) = value.origin.map(|origin| (origin.epoch, origin.incarnation)).unzip();
        // What is republished here keeps the time of its source.
        let unix_time =
            value.origin.filter(|_| value.is_imported).map_or(unix + written, |origin| unix_time(origin.time));
        Note { time: written.max(0.0), unix_time, seq: value.seq, missed: value.missed, epoch, incarnation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::ArrayRef;
    use ndsharray::DType;

    fn times(values: &[(u64, u64)]) -> Vec<f64> {
        let (start, mut clock) = (Instant::now() + Duration::from_secs(1000), Clock::default());
        let note = |(now, age): &(u64, u64)| {
            let array = ArrayRef { dtype: DType::U8, shape: &[0], bytes: &[] };
            let age = Some(Duration::from_millis(*age));
            let value = Value { age, ..Value::bare(array) };
            clock.note(start + Duration::from_millis(*now), UNIX_EPOCH + Duration::from_secs(9), &value).time
        };
        values.iter().map(note).collect()
    }

    #[test]
    fn the_first_interval_is_as_long_as_the_others() {
        let times = times(&[(0, 70), (30, 0), (130, 0), (240, 10)]);
        for (found, wanted) in times.iter().zip([0.0, 0.1, 0.2, 0.3]) {
            assert!((found - wanted).abs() < 1e-9, "{times:?}");
        }
    }

    #[test]
    fn what_was_there_before_is_at_the_beginning() {
        assert_eq!(times(&[(0, 3_600_000), (2000, 0)]), [0.0, 2.0]);
    }
}
