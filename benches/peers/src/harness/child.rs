//! This program, started once more: the other end of a channel, in a process of its own.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{self, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// What a child prints once it is connected.
pub(crate) const READY: &str = "ready";

/// A child that answers line by line; ended when dropped.
pub(crate) struct Child {
    process: process::Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts this program with `arguments`, which name its role.
    pub(crate) fn start<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Self> {
        Self::spawn(Command::new(std::env::current_exe()?).args(arguments))
    }

    /// Starts another program that answers line by line.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = process.stdin.take().context("a child without a standard input")?;
        let stdout = process.stdout.take().context("a child without a standard output")?;
        Ok(Self { process, stdin, lines: BufReader::new(stdout).lines() })
    }

    /// Says something to the child.
    pub(crate) fn tell(&mut self, line: &str) -> Result<()> {
        writeln!(self.stdin, "{line}")?;
        Ok(())
    }

    /// The child's next line.
    pub(crate) fn line(&mut self) -> Result<String> {
        Ok(self.lines.next().context("a child ended without an answer")??)
    }

    pub(crate) fn expect_ready(&mut self) -> Result<()> {
        let line = self.line()?;
        ensure!(line == READY, "a child said {line:?}");
        Ok(())
    }

    /// Waits for an orderly end.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let status = self.process.wait()?;
        ensure!(status.success(), "a child ended with {status}");
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Only this very child, and only if it has not been waited for: the standard library knows.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
