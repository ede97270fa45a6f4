//! A directory for each test, and the binary in pipes or in a pseudo-terminal.

use ndsharray::inspect::Kind;
use ndsharray::{ArrayOptions, Options, compat};
use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};
use std::io::{BufRead, BufReader, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Long enough for anything that must happen, however busy the machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(120);

/// A fresh directory in shared memory, removed at the end of the test.
pub(crate) struct TestDir {
    dir: TempDir,
}

/// How a run of `ndsh` ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestDir {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::Builder::new().prefix("ndsharray-test-").tempdir_in("/dev/shm").unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The path of a file, as an argument.
    pub(crate) fn text_path(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }

    /// Leaves a channel `from` with a value of four bytes.
    pub(crate) fn put_value(&self) {
        self.options().persist(true).create::<u8>("from").unwrap().write(&[4], &[1, 2, 3, 4]).unwrap();
    }

    /// The names in the directory, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(crate) fn options(&self) -> Options {
        Options::new().dir(self.path())
    }

    pub(crate) fn array_options(&self) -> ArrayOptions {
        ArrayOptions::from(&self.options())
    }

    pub(crate) fn python(&self) -> compat::Options {
        compat::Options::new().dir(self.path())
    }

    /// Returns `ndsh` for this directory, without the settings of the user that runs the tests.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ndsh"));
        self.settings(command.args(args));
        command
    }

    /// Gives a command this directory, and takes the settings of the user that runs the tests.
    pub(crate) fn settings<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "CI", "COLUMNS", "LINES"] {
            command.env_remove(name);
        }
        // A service that builds and tests may have no terminal, or a dumb one. This one answers no
        // questions.
        command.env("TERM", "xterm-256color").env("NDSH_GRAPHICS", "blocks").env("NDSHARRAY_DIR", self.path())
    }

    /// Runs `ndsh` in pipes, without input.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with_input(args, b"")
    }

    /// Runs `ndsh` in pipes.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &[u8]) -> Ran {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may end without having read all of it.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap().into()
    }

    /// Runs `ndsh`, which must succeed and print nothing on stderr; returns its output.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{args:?}: {}", ran.stdout);
        ran.stdout
    }

    /// Runs `ndsh`, which must print JSON.
    pub(crate) fn json(&self, args: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.ok(args)).unwrap()
    }

    /// Starts `ndsh` with a pipe for its output.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        let mut child =
            self.command(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Running { child: Some(child), stdout }
    }

    /// Starts `ndsh` in a pseudo-terminal of 100 columns and 30 lines.
    ///
    /// The shell sets the size, as a new terminal has none.
    pub(crate) fn screen(&self, args: &[&str]) -> Screen {
        self.screen_of(args, "xterm-256color", "truecolor")
    }

    /// The same with other values of `TERM` and `COLORTERM`.
    pub(crate) fn screen_of(&self, args: &[&str], terminal: &str, colors: &str) -> Screen {
        let ndsh = self.command(args);
        let mut command = Command::new("sh");
        command
            .args(["-c", "stty rows 30 cols 100 && exec \"$0\" \"$@\""])
            .arg(ndsh.get_program())
            .args(ndsh.get_args());
        for (name, value) in ndsh.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("TERM", terminal).env("COLORTERM", colors);
        let session = spawn_command(command, Some(TIMEOUT.as_millis() as u64)).unwrap();
        Screen { session, shown: vt100::Parser::new(NonZero::new(30).unwrap(), NonZero::new(100).unwrap(), 0) }
    }

    /// Starts `ndsh` in a pseudo-terminal, whose output `exp_string` and its like wait for.
    pub(crate) fn terminal(&self, args: &[&str]) -> PtySession {
        spawn_command(self.command(args), Some(TIMEOUT.as_millis() as u64)).unwrap()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A process with a pipe for its output; killed and reaped when dropped.
pub(crate) struct Running {
    child: Option<Child>,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// The next line of output; empty at its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let pid = i32::try_from(self.id()).unwrap();
        // SAFETY: takes numbers; the process is a child that has not been waited for, so the id is
        // its own.
        assert_eq!(unsafe { libc::kill(pid, libc::SIGINT) }, 0);
    }

    /// Ends it without asking.
    pub(crate) fn kill(&mut self) {
        let child = self.child.as_mut().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits for a successful end, and returns the rest of the output as bytes.
    pub(crate) fn end_bytes(mut self) -> Vec<u8> {
        let mut stdout = Vec::new();
        std::io::Read::read_to_end(&mut self.stdout, &mut stdout).unwrap();
        let ran: Ran = self.child.take().unwrap().wait_with_output().unwrap().into();
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        stdout
    }

    /// Waits for the end, with the rest of the output.
    pub(crate) fn end(mut self) -> Ran {
        let mut stdout = String::new();
        std::io::Read::read_to_string(&mut self.stdout, &mut stdout).unwrap();
        let mut ran: Ran = self.child.take().unwrap().wait_with_output().unwrap().into();
        ran.stdout = stdout;
        ran
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A pseudo-terminal, and its screen.
pub(crate) struct Screen {
    pub(crate) session: PtySession,
    shown: vt100::Parser,
}

impl Screen {
    /// Waits until `done` accepts the screen.
    pub(crate) fn wait(&mut self, what: &str, mut done: impl FnMut(&vt100::Screen) -> bool) {
        let end = Instant::now() + TIMEOUT;
        loop {
            while let Some(c) = self.session.try_read() {
                // Each byte comes as a character of its own.
                self.shown.process(&[u8::try_from(c).unwrap()]);
            }
            if done(self.shown.screen()) {
                return;
            }
            assert!(
                Instant::now() < end,
                "waited in vain: {what}; the screen shows\n{}",
                self.shown.screen().contents()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until a text can be seen.
    pub(crate) fn shows(&mut self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.session.send(keys).unwrap();
        self.session.flush().unwrap();
    }

    /// Waits for a successful end, with the screen and the cursor restored.
    pub(crate) fn ends(mut self) {
        self.wait("it gives the screen back", |screen| !screen.alternate_screen() && !screen.hide_cursor());
        let status = self.session.process().wait().unwrap();
        assert!(matches!(status, WaitStatus::Exited(_, 0)), "{status:?}");
    }
}

impl TestDir {
    /// Waits until the one reader of the channel `from` has taken value `number`, or has ended.
    pub(crate) fn wait_until_seen(&self, number: u64) {
        wait_until("the value is taken", || {
            let report = self.options().look("from", Kind::Channel).unwrap();
            report.readers.iter().all(|reader| reader.seen >= number)
        });
    }
}

/// Looks until `done`, and fails when it does not come to that.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + TIMEOUT;
    while !done() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Name of a Python channel in `/dev/shm`, the only directory that the package uses.
///
/// Dropping it removes the channel.
pub(crate) struct PythonName(pub(crate) String);

impl PythonName {
    /// Makes a name of this process's own, one for each `what`.
    pub(crate) fn new(what: &str) -> Self {
        Self(format!("ndsharray-test-cli-{what}-{}", std::process::id()))
    }
}

impl Drop for PythonName {
    fn drop(&mut self) {
        let _ = ndsharray::compat::Options::new().dir("/dev/shm").remove(&self.0);
    }
}

/// Runs a Python program in the test's directory, with NumPy; returns its output.
pub(crate) fn python_program(dir: &TestDir, program: &str, args: &[&str]) -> String {
    let python = std::env::var_os("NDSHARRAY_PYTHON").expect("NDSHARRAY_PYTHON names an interpreter");
    let prelude = "import sys\nimport numpy as np\nimport ml_dtypes\n";
    let mut command = Command::new(python);
    let output = dir
        .settings(&mut command)
        .args(["-B", "-c", &format!("{prelude}{program}")])
        .args(args)
        .current_dir(dir.path())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{program}");
    String::from_utf8(output.stdout).unwrap()
}
