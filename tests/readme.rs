//! The README's Rust code: it is that of the examples and of this file, and it does what the README
//! says. Its links, and those of the other pages, lead somewhere.

// The manifest cannot ask for the feature: packages have the manifest without this file.
#![cfg(feature = "ndarray")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that goes wrong is to panic, in its helpers too"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

const README: &str = include_str!("../README.md");
const WRITER: &str = include_str!("../examples/writer.rs");
const READER: &str = include_str!("../examples/reader.rs");

/// How long a process may take for one step, on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The README's blocks of code in Rust, without their fences.
fn blocks() -> Vec<&'static str> {
    README.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// An example without what stands above its first `use`: its documentation, and what it allows
/// itself.
fn code(example: &'static str) -> &'static str {
    let start = example.find("\nuse ").unwrap() + 1;
    for line in example[..start].lines() {
        assert!(line.is_empty() || line.starts_with("//!") || line.starts_with("#![allow("), "{line}");
    }
    &example[start..]
}

#[test]
fn shows_the_examples_as_they_are() {
    let blocks = blocks();
    assert_eq!(blocks[0], code(WRITER));
    assert_eq!(blocks[1], code(READER));
    for block in &blocks[2..] {
        let here: String = include_str!("readme.rs").lines().map(|line| format!("{}\n", line.trim_start())).collect();
        let block: String = block.lines().map(|line| format!("{}\n", line.trim_start())).collect();
        assert!(here.contains(&block), "no test runs this code:\n{block}");
    }
}

#[test]
#[ignore = "run by `shared_array_example`, with a directory of its own"]
fn shared_array() -> ndsharray::Result<()> {
    // One process
    let matrix = ndsharray::SharedArray::<f64>::create("matrix", &[1000, 1000])?; // zeros
    matrix.write()?.view_mut()[[1, 2]] = 1.5;

    // Another
    let matrix = ndsharray::SharedArray::<f64>::open("matrix")?;
    assert_eq!(matrix.read()?.view()[[1, 2]], 1.5);
    Ok(())
}

#[test]
fn shared_array_example() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "shared_array", "--ignored"]).env("NDSHARRAY_DIR", dir.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(dir.path().join("matrix.ndsa").exists(), "{output:?}");
}

#[test]
fn two_programs_writer_first() {
    let dir = tempfile::tempdir().unwrap();
    let _writer = Running::start("writer", dir.path());
    wait_until("the writer has made the channel", || dir.path().join("lidar.ndsh-readers").exists());
    let mut reader = Running::start("reader", dir.path());
    expect_values(&reader.lines(), 1);
}

#[test]
fn two_programs_reader_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut reader = Running::start("reader", dir.path());
    let lines = reader.lines();
    // No value comes, and no error ends it.
    assert_eq!(lines.recv_timeout(Duration::from_millis(500)), Err(RecvTimeoutError::Timeout));

    let writer = Running::start("writer", dir.path());
    let last = expect_values(&lines, 1);

    // A writer that is killed, as by Ctrl-C, leaves the channel to the next one, and the reader
    // goes on with that.
    drop(writer);
    while lines.recv_timeout(Duration::from_millis(500)).is_ok() {}
    assert!(!reader.has_ended());
    let _writer = Running::start("writer", dir.path());
    expect_values(&lines, last + 1);
}

/// Three values, none of which is older than `first`; returns the number of the last one.
fn expect_values(lines: &Receiver<String>, first: u64) -> u64 {
    let mut next = first;
    for _ in 0..3 {
        let line = lines.recv_timeout(TIMEOUT).expect("a value comes");
        let (seq, rest) = line.strip_prefix("value ").and_then(|rest| rest.split_once(' ')).expect(&line);
        let seq = seq.parse::<u64>().expect(&line);
        assert!(seq >= next && rest.starts_with("of shape [2, 3]: "), "{line}");
        next = seq + 1;
    }
    next - 1
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < TIMEOUT, "not within {TIMEOUT:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The example's program. `cargo test --test readme` alone builds no example, and an old one may
/// stand there from before: both are built here, which takes nothing when they are new.
fn program(example: &str) -> PathBuf {
    static BUILT: Once = Once::new();
    // target/debug/deps/readme-0123 beside target/debug/examples/writer
    let test = env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    BUILT.call_once(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--locked", "--example", "writer", "--example", "reader"]);
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        cargo.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", profile.parent().unwrap());
        assert!(cargo.status().unwrap().success());
    });
    profile.join("examples").join(format!("{example}{}", env::consts::EXE_SUFFIX))
}

/// The repository's own pages, each with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let docs = docs.filter(|path| path.extension().is_some_and(|end| end == "md"));
    let others = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "benches/peers/README.md"];
    let pages = docs.chain(others.map(|page| root.join(page)));
    pages.map(|page| (page.clone(), fs::read_to_string(page).unwrap())).collect()
}

#[test]
fn readme_is_short() {
    assert!(README.lines().count() <= 130);
}

/// Links and pictures: files and headings that exist.
#[test]
fn links_lead_somewhere() {
    for (page, text) in pages() {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = if path.is_empty() { page.clone() } else { page.with_file_name("").join(path) };
            assert!(file.exists(), "{} links to {target}", page.display());
            let found = heading.is_empty() || anchors(&fs::read_to_string(&file).unwrap()).any(|each| each == heading);
            assert!(found, "{} links to {target}", page.display());
        }
    }
}

/// Names of source files and of folders, from the root or from `src`.
#[test]
fn named_files_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = 0;
    for (page, text) in pages() {
        for name in text.split('`').skip(1).step_by(2) {
            let is_path = name.chars().all(|each| each.is_ascii_alphanumeric() || "._-/".contains(each));
            let is_file = [".rs", ".py", ".sh", ".toml"].iter().any(|end| name.ends_with(end));
            let is_folder = name.ends_with('/') && !name.starts_with(['/', '.']) && name != "target/";
            if is_path && (is_folder || is_file && name.contains('/')) {
                found += 1;
                let exists = root.join(name).exists() || root.join("src").join(name).exists();
                assert!(exists, "{} names {name}", page.display());
            }
        }
    }
    assert!(found > 30, "{found} names");
}

/// What links call the headings of a page.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    headings.map(|heading| {
        let kept = heading.chars().filter(|each| each.is_alphanumeric() || matches!(each, ' ' | '-' | '_'));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    })
}

/// A process that is killed at the end, also at that of a test that fails.
struct Running(Child);

impl Running {
    fn start(example: &str, dir: &Path) -> Self {
        let command = || Command::new(program(example)).env("NDSHARRAY_DIR", dir).stdout(Stdio::piped()).spawn();
        Self(command().unwrap_or_else(|error| panic!("{example} does not start: {error}")))
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// Its lines, as they come.
    fn lines(&mut self) -> Receiver<String> {
        let (send, receive) = channel();
        let output = BufReader::new(self.0.stdout.take().unwrap());
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        receive
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
