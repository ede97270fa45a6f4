//! Channels of the original Python ndsharray, in real Python processes.
//!
//! The variable `NDSHARRAY_PYTHON` names an interpreter with the package; `.ci/run cli` installs
//! one. The package always uses `/dev/shm`.

use crate::support::{PythonName, Ran, TIMEOUT, TestDir};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Instant;

const WRITER: &str = "
import sys, numpy as np
from ndsharray import NdShArray
writer = NdShArray(sys.argv[1], np.zeros((3, 4), dtype=np.float32), r_w='w')
writer.write(np.ones((3, 4), dtype=np.float32))
writer.write(np.ones((7,), dtype=np.uint8))
print('ready', flush=True)
sys.stdin.read()
";

const READER: &str = "
import sys
from ndsharray import NdShArray
reader = NdShArray(sys.argv[1], r_w='r')
reader.read()
print('ready', flush=True)
sys.stdin.read()
";

/// A Python process; killed when dropped, if it has not ended before.
struct Python {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Python {
    fn new(program: &str, name: &str) -> Self {
        let python = std::env::var_os("NDSHARRAY_PYTHON").expect("NDSHARRAY_PYTHON names an interpreter");
        let mut command = Command::new(python);
        command.args(["-c", program, name]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { stdin: child.stdin.take(), child }
    }

    /// Ends as a program ends.
    fn finish(mut self) {
        drop(self.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs Python with ndsharray; `.ci/run cli` runs it"]
fn pythons_own_channels_are_listed_and_cleaned() {
    let dir = TestDir::new();
    let name = PythonName::new("own");
    let name = name.0.as_str();
    let ndsh = |args: &[&str]| -> Ran {
        let output = dir.command(args).env_remove("NDSHARRAY_DIR").args(["--dir", "/dev/shm"]).output().unwrap();
        Ran::from(output)
    };
    let files = || {
        let ran = ndsh(&["info", "--json", name]);
        let all: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
        all[0]["files"].as_array().map_or(0, Vec::len)
    };
    let writer = Python::new(WRITER, name);
    let reader = Python::new(READER, name);

    let ran = ndsh(&["ls", "--json", "--interval=0"]);
    let all: Value = serde_json::from_str(&ran.stdout).unwrap();
    let found = all.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
    assert_eq!((&found["kind"], &found["dtype"]), (&Value::from("python"), &Value::from("uint8")));
    assert_eq!(found["shape"], serde_json::json!([7]));
    assert_eq!(found["writer"], serde_json::json!({"alive": null, "pid": writer.child.id()}), "a hint");
    let text = ndsh(&["info", name]).stdout;
    assert!(text.contains(&format!("process {} (a hint)", writer.child.id())), "{text}");
    assert!(text.contains(&format!("perhaps process {}", reader.child.id())), "{text}");
    let count = files();
    assert!(count >= 3, "the tag, the value, and what the change of shape has left");

    // Nothing in use is removed. The change of shape left a file that is too new to remove.
    assert!(!ndsh(&["gc", "--python"]).stdout.contains(name));
    let ran = ndsh(&["rm", name]);
    assert!(ran.code == 5 && ran.stderr.contains(&writer.child.id().to_string()), "{ran:?}");
    assert_eq!(files(), count, "nothing has gone");
    writer.finish();
    assert_eq!(ndsh(&["rm", name]).code, 5, "the reader has it");
    reader.finish();
    let end = Instant::now() + TIMEOUT;
    while !ndsh(&["gc", "--python"]).stdout.contains(&format!("removed python {name}: ")) {
        assert!(Instant::now() < end, "it stays: {}", ndsh(&["info", name]).stdout);
    }
    assert_eq!(ndsh(&["info", name]).code, 3);
}
