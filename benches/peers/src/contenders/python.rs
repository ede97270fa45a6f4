//! Python's ndsharray, in a Python process that times itself: `NDSHARRAY_PYTHON` names an interpreter that has the package.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// The script of the library's own tests with the package.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/compat_python/peer.py");

/// The interpreter, if there is one.
pub(crate) fn interpreter() -> Option<OsString> {
    std::env::var_os("NDSHARRAY_PYTHON")
}

/// A channel name, which is removed at the end with the files that Python leaves. The package looks for them in `/dev/shm` alone.
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
pub(crate) struct Python {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Python {
    pub(crate) fn start(interpreter: &OsString) -> Result<Self> {
        let mut child = Command::new(interpreter)
            .args(["-B", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("NDSHARRAY_PYTHON cannot be started")?;
        let stdin = child.stdin.take().context("no pipe")?;
        let stdout = BufReader::new(child.stdout.take().context("no pipe")?);
        Ok(Self { child, stdin, stdout })
    }

    pub(crate) fn ask(&mut self, command: &str) -> Result<String> {
        writeln!(self.stdin, "{command}")?;
        let mut answer = String::new();
        self.stdout.read_line(&mut answer)?;
        let answer = answer.trim_end();
        ensure!(!answer.is_empty() && !answer.starts_with("error"), "{command}: {answer}");
        Ok(answer.to_owned())
    }

    /// The processor time that Python says it took.
    pub(crate) fn time(&mut self, command: &str) -> Result<Duration> {
        Ok(Duration::from_nanos(self.ask(command)?.parse()?))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
