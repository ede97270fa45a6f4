//! The reader processes as their parent sees them: started, heard, and always waited for.

use std::{
    io::{self, BufRead, BufReader, Lines, PipeReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{check::Check, report::Seen, viewer::READY};

pub(crate) struct Crew(Vec<Member>);

struct Member {
    process: Child,
    says: Lines<BufReader<PipeReader>>,
}

impl Crew {
    /// Starts the readers, and returns when all of them are attached to the channel.
    pub(crate) fn start(count: usize, name: &str, check: Check) -> Result<Self> {
        let program = std::env::current_exe().context("this program's own file")?;
        let mut crew = Self(Vec::new());
        for _ in 0..count {
            let (says, stdout) = io::pipe()?;
            let process = Command::new(&program)
                .args(["view", "--", name, check.name()])
                .stdin(Stdio::null())
                .stdout(stdout)
                .spawn()
                .context("starting a reader")?;
            crew.0.push(Member { process, says: BufReader::new(says).lines() });
        }
        for (index, member) in crew.0.iter_mut().enumerate() {
            match member.says.next().transpose()? {
                Some(line) if line == READY => (),
                _ => bail!("reader {} did not come up", index + 1),
            }
        }
        Ok(crew)
    }

    /// Waits for all readers, and returns what each has seen, or what became of it.
    pub(crate) fn finish(mut self) -> Vec<Result<Seen>> {
        self.0.iter_mut().map(Member::finish).collect()
    }
}

impl Member {
    fn finish(&mut self) -> Result<Seen> {
        let last_word = self.says.next().transpose();
        let status = self.process.wait()?;
        if !status.success() {
            bail!("{status}");
        }
        Seen::from_line(&last_word?.context("no word at the end")?)
    }
}

impl Drop for Crew {
    /// Leaves no process behind when the camera fails halfway. Those that have been waited for are not touched again.
    fn drop(&mut self) {
        for member in &mut self.0 {
            // Nothing can be done about an error here, and a process that is gone already is no error.
            let _ = member.process.kill();
            let _ = member.process.wait();
        }
    }
}
