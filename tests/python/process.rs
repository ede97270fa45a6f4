//! A Python process that obeys, and a channel of a test's own with it.

use ndsharray::{DType, OwnedArray};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Long enough for anything, however busy the machine.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Where the package keeps its files; it knows no other place.
const SHM: &str = "/dev/shm";

/// A channel name of a test's own.
///
/// The files go with it, whichever process created them.
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(format!("ndsharray-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut found: Vec<_> = fs::read_dir(SHM).unwrap().map(|entry| entry.unwrap().path()).collect();
        let prefix = format!("{}_", self.0);
        found.retain(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name == self.0 || name.starts_with(&prefix)
        });
        found
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        for path in self.files() {
            let _ = fs::remove_file(path);
        }
    }
}

/// A Python process; killed and reaped at the latest when dropped.
pub(crate) struct Peer {
    child: Child,
    stdin: ChildStdin,
    answers: Receiver<String>,
}

impl Peer {
    pub(crate) fn new() -> Self {
        let python = std::env::var_os("NDSHARRAY_PYTHON").expect("NDSHARRAY_PYTHON names a Python that has ndsharray");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/peer.py");
        let mut child = Command::new(python)
            .arg("-B")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("NDSHARRAY_PYTHON can be started");
        let stdout = child.stdout.take().unwrap();
        let (sender, answers) = channel();
        // Ends with the child's output.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let stdin = child.stdin.take().unwrap();
        let mut peer = Self { child, stdin, answers };
        assert_eq!(peer.ask("hello"), "ok");
        peer
    }

    /// Sends a command without waiting for its answer.
    pub(crate) fn tell(&mut self, command: &str) {
        writeln!(self.stdin, "{command}").unwrap();
        self.stdin.flush().unwrap();
    }

    pub(crate) fn answer(&mut self) -> String {
        match self.answers.recv_timeout(TIMEOUT) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => panic!("no answer"),
            Err(RecvTimeoutError::Disconnected) => panic!("the child ended: {:?}", self.child.wait()),
        }
    }

    /// Whether the last command has been answered; the answer, if so.
    pub(crate) fn has_answered(&mut self) -> Option<String> {
        self.answers.try_recv().ok()
    }

    /// How often the system has taken the processor from its first thread.
    pub(crate) fn involuntary_switches(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let count = status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"));
        count.unwrap().trim().parse().unwrap()
    }

    pub(crate) fn ask(&mut self, command: &str) -> String {
        self.tell(command);
        self.answer()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bytes of the elements that both ends make of a seed.
pub(crate) fn numbers(dtype: DType, shape: &[usize], seed: usize) -> Vec<u8> {
    use ndsharray::f16;
    let element = |n: usize| {
        let n = ((n * 7 + seed) % 100) as u8;
        let (float, double) = (f32::from(n), f64::from(n));
        match dtype {
            DType::Bool => vec![n.min(1)],
            DType::I8 | DType::U8 => vec![n],
            DType::I16 | DType::U16 => u16::from(n).to_ne_bytes().to_vec(),
            DType::I32 | DType::U32 => u32::from(n).to_ne_bytes().to_vec(),
            DType::I64 | DType::U64 => u64::from(n).to_ne_bytes().to_vec(),
            DType::F16 => f16::from_f32(float).to_ne_bytes().to_vec(),
            DType::F32 => float.to_ne_bytes().to_vec(),
            DType::F64 => double.to_ne_bytes().to_vec(),
            DType::C64 => [float, 0.0].map(f32::to_ne_bytes).concat(),
            DType::C128 => [double, 0.0].map(f64::to_ne_bytes).concat(),
            other => panic!("the package has no {other}"),
        }
    };
    (0..shape.iter().product()).flat_map(element).collect()
}

pub(crate) fn axes(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "-".to_owned();
    }
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
}

/// How Python describes an array.
pub(crate) fn digest(dtype: DType, shape: &[usize], bytes: &[u8]) -> String {
    format!("{dtype} {} {:08x}", axes(shape), crc32(bytes))
}

pub(crate) fn digest_of(array: &OwnedArray) -> String {
    digest(array.dtype(), array.shape(), array.as_bytes())
}

/// The checksum of zlib.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}
