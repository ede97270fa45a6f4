//! One camera, many viewers: the main job of this crate, in one command.
//!
//! ```text
//! cargo run --release --example camera
//! ```
//!
//! A writer streams 1280×720 RGB frames to four reader processes (this program, started again).
//! First come 60 frames a second: this shows how old a frame is when a reader gets it. Then they
//! come as fast as possible: this shows what a write costs beside a plain memcpy. The readers look
//! at each frame where it lies, and look twice. The program fails if one of them ever saw a frame
//! that is not what was published under its number.
//!
//! A real video goes straight from a pipe into shared memory:
//!
//! ```text
//! ffmpeg -i film.mp4 -vf scale=1280:720 -f rawvideo -pix_fmt rgb24 - \
//!     | cargo run --release --example camera -- 1280 720 3
//! ```
//!
//! It prints the channel's name, by which other programs can watch it, such as the example
//! `dynamic`. Ctrl-C ends the camera at once; the readers then notice that it is dead, and remove
//! its channel.
#![allow(clippy::print_stdout, reason = "an example for the terminal shows its results there")]

use ndsharray::{Error, Reader, Writer};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const READERS: usize = 4;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match *words {
        [] => paced().and_then(|well| Ok(well & flat_out()?)),
        ["view", name] => view(name).map(|()| true),
        [width, height, channels] => piped(width, height, channels),
        _ => Err("give nothing, or WIDTH HEIGHT CHANNELS of the raw video on standard input".into()),
    };
    let all_well = done.inspect_err(|error| eprintln!("camera: {error}")).unwrap_or(false);
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The shape of a generated frame.
const SHAPE: [usize; 3] = [720, 1280, 3];

/// For how long frames of one kind are generated.
const TIME: Duration = Duration::from_millis(2500);

/// Draws 60 frames a second, each of them in the memory that the readers see.
fn paced() -> Result<bool> {
    let (mut number, mut publishing) = (0, Vec::new());
    let all_well = stream("60 frames/s, each drawn in place", |writer, now| {
        let due = Duration::from_secs(number) / 60;
        if due >= TIME {
            return Ok(None);
        }
        std::thread::sleep(due.saturating_sub(now));
        let mut loan = writer.loan(&SHAPE)?;
        number += 1;
        let sum = draw(loan.as_mut_slice(), number);
        Ok(Some((timed(&mut publishing, || loan.publish())?, sum)))
    })?;
    println!("  publishing, with waking the readers: {}\n", spread(&mut publishing));
    Ok(all_well)
}

/// Copies frames into the channel and, to compare, into one of two buffers in turn.
fn flat_out() -> Result<bool> {
    let [mut frame, mut buffer, mut other] = [0, 1, 1].map(|byte| vec![byte; SHAPE.iter().product()]);
    let (mut number, mut writing, mut copying) = (0, Vec::new(), Vec::new());
    let all_well = stream("as fast as it goes, each copied in", |writer, now| {
        if now >= TIME {
            return Ok(None);
        }
        number += 1;
        let sum = draw(&mut frame, number);
        let seq = timed(&mut writing, || writer.write(&SHAPE, &frame))?;
        timed(&mut copying, || black_box(&mut buffer).copy_from_slice(&frame));
        std::mem::swap(&mut buffer, &mut other);
        Ok(Some((seq, sum)))
    })?;
    println!("  write {}, memcpy {}\n", spread(&mut writing), spread(&mut copying));
    Ok(all_well)
}

/// Reads frames until the input ends, each of them straight into the memory that the readers see.
fn piped(width: &str, height: &str, channels: &str) -> Result<bool> {
    // Raw video comes row by row, so the height is the outermost axis.
    let shape = [height.parse()?, width.parse()?, channels.parse()?];
    if shape.contains(&0) {
        return Err("frames without bytes would never come to an end".into());
    }
    let mut input = io::stdin().lock();
    stream("from standard input, each read in place", |writer, _| {
        let mut loan = writer.loan(&shape)?;
        match input.read_exact(loan.as_mut_slice()) {
            // A last frame that is cut off is not published: the loan is dropped.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let sum = checksum(loan.as_mut_slice());
        Ok(Some((loan.publish()?, sum)))
    })
}

/// Number and checksum of a published frame; `None` when there is no more.
type Sent = Result<Option<(u64, u64)>>;

/// Has `next` publish one frame after another, then hears the readers.
fn stream(what: &str, mut next: impl FnMut(&mut Writer<u8>, Duration) -> Sent) -> Result<bool> {
    // The process id keeps two cameras apart that run at the same time.
    let name = format!("camera-{}", std::process::id());
    println!("channel {name}: {what}, {READERS} readers");
    let mut writer = Writer::create(&name)?;
    let crew = (0..READERS).map(|_| Viewer::start(&name)).collect::<Result<Vec<_>>>()?;
    let (start, mut published) = (Instant::now(), HashMap::new());
    while let Some((seq, sum)) = next(&mut writer, start.elapsed())? {
        published.insert(seq, sum);
    }
    // Closing the channel is what tells the readers to finish.
    drop(writer);
    println!("  published {} frames, {:.1}/s", published.len(), published.len() as f64 / start.elapsed().as_secs_f64());
    Ok(crew.into_iter().map(|viewer| viewer.report(&published)).sum::<Result<usize>>()? == 0)
}

/// A reader process as its parent sees it.
struct Viewer(Child, BufReader<ChildStdout>);

impl Viewer {
    /// Returns when it is attached, so that no frame passes it unseen.
    fn start(name: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        // Ctrl-C is for the camera alone: a reader stays, to tidy up behind it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        #[cfg(windows)]
        std::os::windows::process::CommandExt::creation_flags(&mut command, 0x200);
        let mut child = command.args(["view", name]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or("no pipe")?;
        let mut viewer = Self(child, BufReader::new(stdout));
        viewer.1.read_line(&mut String::new())?;
        Ok(viewer)
    }

    /// Prints what it has seen, and returns how many frames were not as published.
    fn report(mut self, published: &HashMap<u64, u64>) -> Result<usize> {
        let (mut torn, mut missed, mut ages) = (0, 0, Vec::new());
        for line in self.1.by_ref().lines() {
            let numbers = line?.split(' ').map(str::parse).collect::<std::result::Result<Vec<u64>, _>>()?;
            let [seq, sum, again, age, before] = *numbers else { return Err("a reader said nonsense".into()) };
            torn += usize::from(sum != again || published.get(&seq) != Some(&sum));
            missed += before;
            ages.push(Duration::from_nanos(age));
        }
        let status = self.0.wait()?;
        if !status.success() {
            return Err(format!("a reader failed: {status}").into());
        }
        println!("  reader: {} frames, age {}, {missed} missed, {torn} torn", ages.len(), spread(&mut ages));
        Ok(torn)
    }
}

/// A reader process: takes the newest frame whenever there is one, looks at it where it lies, and
/// tells at the end.
fn view(name: &str) -> Result<()> {
    let mut reader = Reader::open_timeout(name, Duration::from_secs(10))?;
    // A killed camera of this name may have left a frame. It is not counted.
    reader.latest()?;
    writeln!(io::stdout(), "ready")?;
    let (mut seen, mut orphaned) = (String::new(), false);
    loop {
        let Some(sample) = (match reader.wait(Duration::from_millis(500)) {
            Err(Error::Closed { .. }) => break,
            other => other?,
        }) else {
            // A camera that is gone may have closed the channel only just now: one more wait tells.
            if orphaned {
                // Another reader may have been quicker.
                let _ = ndsharray::remove(name);
                return Ok(());
            }
            orphaned = !reader.is_writer_alive();
            continue;
        };
        let age = sample.age().as_nanos();
        // The frame stays where it is, and the same, while others have the processor and the camera
        // goes on.
        let sum = checksum(sample.view::<u8>()?.as_slice());
        std::thread::yield_now();
        let again = checksum(sample.view::<u8>()?.as_slice());
        writeln!(seen, "{} {sum} {again} {age} {}", sample.seq(), sample.missed())?;
    }
    // A camera that is gone does not listen.
    io::stdout().write_all(seen.as_bytes()).or(Ok(()))
}

/// Draws frame `number`, which differs from any other in every word; returns its checksum.
fn draw(frame: &mut [u8], number: u64) -> u64 {
    for (word, place) in frame.as_chunks_mut().0.iter_mut().zip(1_u64..) {
        let place = place.wrapping_mul(0x1405_7b7e_f767_814f);
        *word = number.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(place).to_ne_bytes();
    }
    checksum(frame)
}

/// Depends on every byte and its place.
fn checksum(bytes: &[u8]) -> u64 {
    // Two looks at a slice may be taken for one by the compiler, which is the very thing to be
    // tested.
    let (words, tail) = black_box(bytes).as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_ne_bytes(*word)).chain(tail.iter().copied().map(u64::from));
    words.enumerate().fold(0, |sum, (place, word)| word.wrapping_mul(place as u64 * 2 + 1).wrapping_add(sum))
}

fn timed<T>(times: &mut Vec<Duration>, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    times.push(start.elapsed());
    result
}

/// The median and the 99th percentile, to be printed.
fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |percent| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    format!("p50 {:.1?} p99 {:.1?}", at(50), at(99))
}
