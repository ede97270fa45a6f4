//! Python's ndsharray, in a Python process that times itself: `NDSHARRAY_PYTHON` names an
//! interpreter that has the package.

use std::ffi::OsString;
use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::harness::child::Child;
use crate::harness::race::Subject;

/// The contender's name: the package from PyPI.
pub(crate) const NAME: &str = "Python ndsharray";

/// The script of the library's own tests with the package.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/python/peer.py");

/// The interpreter, if there is one.
pub(crate) fn interpreter() -> Option<OsString> {
    std::env::var_os("NDSHARRAY_PYTHON")
}

/// Versions of interpreter and package; none where there is no Python.
pub(crate) fn versions() -> Vec<String> {
    const PROGRAM: &str = "import sys, importlib.metadata as m; print('Python', sys.version.split()[0]); \
        print('ndsharray of PyPI', m.version('ndsharray')); print('NumPy', m.version('numpy'))";
    let output = interpreter().and_then(|interpreter| Command::new(interpreter).args(["-c", PROGRAM]).output().ok());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A channel name, which is removed at the end with the files that Python leaves. The package looks
/// for them in `/dev/shm` alone.
pub(crate) struct Name(pub(crate) String);

impl Name {
    pub(crate) fn new(part: &str) -> Self {
        Self(format!("ndsharray-peers-{}-{part}", std::process::id()))
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let Ok(entries) = fs::read_dir("/dev/shm") else { return };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == self.0 || name.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with('_')) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// A Python process; ended when dropped.
pub(crate) struct Python(Child);

impl Python {
    pub(crate) fn start(interpreter: &OsString) -> Result<Self> {
        let child = Child::spawn(Command::new(interpreter).args(["-B", SCRIPT]));
        Ok(Self(child.context("NDSHARRAY_PYTHON cannot be started")?))
    }

    pub(crate) fn ask(&mut self, command: &str) -> Result<String> {
        self.0.tell(command)?;
        let answer = self.0.line()?;
        ensure!(!answer.is_empty() && !answer.starts_with("error"), "{command}: {answer}");
        Ok(answer)
    }

    /// Asks without waiting for the answer.
    pub(crate) fn begin(&mut self, command: &str) -> Result<()> {
        self.0.tell(command)
    }

    /// The answer to what was begun.
    pub(crate) fn end(&mut self) -> Result<String> {
        let answer = self.0.line()?;
        ensure!(!answer.is_empty() && !answer.starts_with("error"), "Python: {answer}");
        Ok(answer)
    }

    /// The processor time that Python says it took.
    pub(crate) fn time(&mut self, command: &str) -> Result<Duration> {
        Ok(Duration::from_nanos(self.ask(command)?.parse()?))
    }
}

/// Python writing arrays of `size` bytes; none where there is no Python.
pub(crate) fn writes(size: usize) -> Result<Option<Subject>> {
    let Some(interpreter) = interpreter() else { return Ok(None) };
    let name = Name::new("writes");
    let mut python = Python::start(&interpreter)?;
    python.ask(&format!("writer {}", name.0))?;
    Ok(Some(Subject::timed(NAME, move |count| {
        let _keep = &name;
        python.time(&format!("time-writes {size} {count}"))
    })))
}

/// Python writing arrays of `size` bytes and reading them; none where there is no Python.
pub(crate) fn pairs(size: usize) -> Result<Option<Subject>> {
    let Some(interpreter) = interpreter() else { return Ok(None) };
    let name = Name::new("pairs");
    let mut python = Python::start(&interpreter)?;
    python.ask(&format!("writer {}", name.0))?;
    python.ask(&format!("reader {}", name.0))?;
    Ok(Some(Subject::timed(NAME, move |count| {
        let _keep = &name;
        python.time(&format!("time-pairs {size} {count}"))
    })))
}
