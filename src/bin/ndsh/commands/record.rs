//! `ndsh record`

use crate::args::Globals;
use crate::array::Array;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::output::{size, tell};
use crate::progress::Progress;
use crate::recording::{Note, Recorder};
use crate::seconds::parse_seconds;
use crate::select::KindArg;
use crate::source::{News, Source, Value};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Time between two looks at whether to stop.
const TICK: Duration = Duration::from_millis(100);
/// Values that may wait for the disk; they are copies, so no slot of the channel is kept for it.
const QUEUE: usize = 16;

/// Save one value after another, with their times
///
/// DIR gets a file 00000000.npy for each value and index.jsonl, which says when each was written. FILE.npz is one archive: `numpy.load(FILE)` has the values
/// under the keys 00000000, 00000001 and so on, and the arrays time, unix_time, seq and missed. Recording begins with the current value. A channel has
/// no queue: what the disk is too slow for is missed, and noted as such.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Channel
    name: String,
    /// Kind, where several have the name [default: channel, else array, else python]
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// Directory to make, or file that ends with .npz
    to: PathBuf,
    /// End after so many values
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// End after SECONDS
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    seconds: Option<Duration>,
    /// Wait up to SECONDS for the channel to appear
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    wait: Option<Duration>,
    /// When the writer closes the channel, wait for the next one instead of ending
    #[arg(long)]
    follow: bool,
}

/// A value on its way to the disk.
type Taken = (Note, Array);

pub(crate) fn run(args: &Args, globals: &Globals) -> Result<()> {
    let interrupt = Interrupt::catch()?;
    let time = args.wait.unwrap_or_default();
    let Some(source) = Source::open_within(globals, &args.name, args.kind, time, |nap| interrupt.sleep(nap))? else {
        return Ok(());
    };
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
        // An error of the disk ends the taking, and says more.
        kept.and(taken)
    })?;
    drop(progress);
    tell(format_args!("{taken} values recorded, {missed} missed"));
    Ok(())
}

/// Takes values from the channel until it is time to stop; says how many, and how many were missed between them.
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
            News::Nothing => {}
            News::Closed if args.follow => {
                interrupt.sleep(TICK / 4);
            }
            News::Closed => break,
        }
    }
    Ok((progress.count(), missed))
}

/// Writes what comes, until nothing more does.
fn keep(mut recorder: Recorder, from: Receiver<Taken>) -> Result<()> {
    for (note, array) in from {
        recorder.add(note, array.view())?;
    }
    recorder.finish()
}

/// Tells when values were written.
#[derive(Default)]
struct Clock {
    /// This moment on the clock that does not jump, and on the other.
    origin: Option<(Instant, f64)>,
}

impl Clock {
    fn take(&mut self, value: &Value<'_>) -> Result<Taken> {
        let now = Instant::now();
        let (origin, unix) = *self.origin.get_or_insert_with(|| {
            let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            (now, unix.as_secs_f64())
        });
        let written = now.duration_since(origin).as_secs_f64() - value.age.unwrap_or_default().as_secs_f64();
        // A value that was there before may be days old: played again, it is there at the beginning.
        let note = Note { time: written.max(0.0), unix_time: unix + written, seq: value.seq, missed: value.missed };
        Ok((note, value.array.to_array()?))
    }
}
