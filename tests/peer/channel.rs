//! A peer that obeys, with a directory and a channel to act in.
//!
//! The parent sends one command a line, and the peer answers each with one line. So neither is
//! ahead of the other, and a peer can be killed in a known state.

use crate::common::{NAME, Peer, TestDir, listen, pattern, say};
use ndsharray::{AnyWriter, ArrayOptions, DType, LongDouble, Options, OwnedSample, Reader};
use std::path::Path;
use std::time::Duration;

pub(crate) fn start(dir: &TestDir) -> Peer {
    run(&std::env::current_exe().unwrap(), dir)
}

/// `program` is this test binary, perhaps built for another target.
pub(crate) fn run(program: &Path, dir: &TestDir) -> Peer {
    let mut child = Peer::of(program, "channel", dir.path(), |command| {
        // What `Writer::create` and `Reader::open` use.
        command.env("NDSHARRAY_DIR", dir.path());
    });
    assert_eq!(child.ask("hello"), "hello");
    child
}

/// Byte order, width in bits, and the long double 1 in hexadecimal digits.
pub(crate) fn target() -> String {
    let order = if cfg!(target_endian = "little") { "little" } else { "big" };
    let one: String = LongDouble::from(1.0).to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{order} {} {one}", usize::BITS)
}

/// What `read` and its like answer for a value.
pub(crate) fn seen(seq: u64, missed: u64, dtype: DType, shape: &[usize], seed: u64) -> String {
    let bytes = pattern(dtype, shape.iter().product(), seed);
    format!("{seq} {missed} {dtype} {} {:016x}", axes(shape), digest(&bytes))
}

fn axes(shape: &[usize]) -> String {
    let axes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    format!("[{}]", axes.join(","))
}

/// FNV-1a, eight bytes at a time.
fn digest(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let last = (!rest.is_empty()).then_some(last);
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    // A plain loop: it sees megabytes, and is not optimised.
    for word in words.iter().chain(&last) {
        hash = (hash ^ u64::from_ne_bytes(*word)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

#[derive(Default)]
struct Ends {
    writer: Option<AnyWriter>,
    reader: Option<Reader>,
    held: Vec<OwnedSample>,
}

impl Ends {
    fn obey(&mut self, options: &Options, command: &str) -> Result<String, Box<dyn std::error::Error>> {
        let words: Vec<&str> = command.split(' ').collect();
        let mut answer = "ok".to_owned();
        match *words.as_slice() {
            ["hello"] => answer = "hello".to_owned(),
            ["target"] => answer = target(),
            // create SLOTS READERS PERSIST
            ["create", slots, readers, persist] => {
                let options = options.clone().max_slots(slots.parse()?).max_readers(readers.parse()?);
                self.writer = Some(options.persist(persist.parse()?).create_any(NAME)?);
            }
            ["create-waiting", slots, millis] => {
                let options = options.clone().max_slots(slots.parse()?);
                let limit = Duration::from_millis(millis.parse()?);
                self.writer = Some(options.wait_for_readers(limit).create_any(NAME)?);
            }
            ["open-lossless"] => self.reader = Some(options.clone().lossless(true).open(NAME)?),
            ["create-keeping", history] => {
                self.writer = Some(options.clone().history(history.parse()?).create_any(NAME)?);
            }
            ["go-to", dir] => std::env::set_current_dir(dir)?,
            ["create-in", dir] => self.writer = Some(Options::new().dir(dir).create_any(NAME)?),
            ["create", name] => self.writer = Some(AnyWriter::create(name)?),
            // write DTYPE AXES SEED
            ["write", dtype, shape, seed] => {
                let dtype: DType = dtype.parse()?;
                let shape = shape.trim_matches(['[', ']']).split(',').filter(|axis| !axis.is_empty());
                let shape = shape.map(str::parse).collect::<Result<Vec<usize>, _>>()?;
                let bytes = pattern(dtype, shape.iter().product(), seed.parse()?);
                answer = self.writer()?.write_bytes(dtype, &shape, &bytes)?.to_string();
            }
            // write-with: the same, and ATTRIBUTES
            ["write-with", dtype, shape, seed, attributes] => {
                let (dtype, len): (DType, usize) = (dtype.parse()?, shape.trim_matches(['[', ']']).parse()?);
                let bytes = pattern(dtype, len, seed.parse()?);
                answer = self.writer()?.write_bytes_with(dtype, &[len], &bytes, attributes.as_bytes())?.to_string();
            }
            // lend-with LENGTH COUNT: a loan of sevens, with COUNT attributes if they find room
            ["lend-with", len, count] => {
                let mut loan = self.writer()?.loan(DType::U8, &[len.parse()?])?;
                loan.as_mut_bytes().fill(7);
                let refused = loan.set_attributes(&vec![5; count.parse()?]).err();
                loan.publish()?;
                answer = refused.map_or(answer, |error| format!("error: {error}"));
            }
            // flood: writes numbers until killed; the answer comes first
            ["flood"] => {
                say("ok");
                let writer = self.writer()?;
                for number in 0_u64.. {
                    let bytes: Vec<u8> = number.to_ne_bytes().repeat(512);
                    writer.write_bytes(DType::U64, &[512], &bytes)?;
                }
            }
            ["drop-writer"] => self.writer = None,
            ["open"] => self.reader = Some(options.open(NAME)?),
            ["open", name] => self.reader = Some(Reader::open(name)?),
            ["open-read-only"] => self.reader = Some(options.open_read_only(NAME)?),
            ["read"] => answer = show(self.reader()?.read_owned()?.as_ref()),
            ["latest"] => answer = show(self.reader()?.latest_owned()?.as_ref()),
            ["wait", millis] => {
                let timeout = Duration::from_millis(millis.parse()?);
                answer = show(self.reader()?.wait_owned(timeout)?.as_ref());
            }
            ["hold"] => {
                let sample = self.reader()?.latest_owned()?.ok_or("no value")?;
                answer = show(Some(&sample));
                self.held.push(sample);
            }
            // Keeps a borrowed sample to the end.
            ["hold-borrowed"] => {
                let reader: &'static mut Reader = Box::leak(Box::new(self.reader.take().ok_or("no reader")?));
                let sample = reader.latest()?.ok_or("no value")?;
                answer = sample.seq().to_string();
                std::mem::forget(sample);
            }
            ["copy-i32"] => answer = format!("{:?}", self.reader()?.read_into(&mut Vec::<i32>::new())?),
            // The source of the error that another command ends with.
            ["why-not", command] => {
                let error = self.obey(options, command).err().ok_or("no error")?;
                answer = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            }
            #[cfg(target_os = "linux")]
            ["limit", what] => super::limits::limit(what)?,
            // An array instead of a channel.
            ["make-array", name, len] => {
                ArrayOptions::from(options).create::<u8>(name, &[len.parse()?])?;
            }
            #[cfg(unix)]
            ["fork"] => answer = self.fork()?,
            ["release"] => self.held.clear(),
            ["recheck"] => {
                let all: Vec<String> = self.held.iter().map(|sample| show(Some(sample))).collect();
                answer = all.join("; ");
            }
            _ => return Err("unknown command".into()),
        }
        Ok(answer)
    }

    /// Tries all handles in a forked child and drops them there; reports the outcome.
    #[cfg(unix)]
    fn fork(&mut self) -> Result<String, Box<dyn std::error::Error>> {
        // SAFETY: the child does nothing but what follows, and ends without returning.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let wrote = self.writer()?.write_bytes(DType::U8, &[1], &[1]);
            let read = self.reader()?.read().map(drop);
            let refused =
                matches!(wrote, Err(ndsharray::Error::Forked)) && matches!(read, Err(ndsharray::Error::Forked));
            *self = Self::default();
            // SAFETY: takes a number; nothing of this process is needed any more.
            unsafe { libc::_exit(if refused { 0 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: `status` is an integer that the call may write.
        let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
        let refused = pid > 0 && waited == pid && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
        Ok(if refused { "refused" } else { "not refused" }.to_owned())
    }

    fn writer(&mut self) -> Result<&mut AnyWriter, &'static str> {
        self.writer.as_mut().ok_or("no writer")
    }

    fn reader(&mut self) -> Result<&mut Reader, &'static str> {
        self.reader.as_mut().ok_or("no reader")
    }
}

fn show(sample: Option<&OwnedSample>) -> String {
    sample.map_or("none".to_owned(), |sample| {
        let (dtype, shape) = (sample.dtype(), axes(sample.shape()));
        format!("{} {} {dtype} {shape} {:016x}", sample.seq(), sample.missed(), digest(sample.as_bytes()))
    })
}

/// Answers each line with one.
pub(super) fn obey(options: &Options) {
    let mut ends = Ends::default();
    while let Some(command) = listen() {
        say(ends.obey(options, &command).unwrap_or_else(|error| format!("error: {error}")));
    }
}
