//! Blocks that Python's standard library created, and the other way round.
//!
//! Left out where there is no Python.

use ndsharray::SharedArray;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

/// A Python that runs one program; killed at the latest when dropped.
struct Python(Child);

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const MAKER: &str = "
import struct, sys
from multiprocessing.shared_memory import SharedMemory
block = SharedMemory(name=sys.argv[1], create=True, size=24)
block.buf[:24] = struct.pack('=3q', 1, -2, 3)
print('made', flush=True)
sys.stdin.readline()
print(*struct.unpack('=3q', block.buf[:24]), flush=True)
block.close()
block.unlink()
";

#[test]
fn python_and_this_library_see_the_same_elements() {
    let name = format!("ndsharray-test-{}", std::process::id());
    let started =
        Command::new("python3").args(["-c", MAKER, &name]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut python) = started.map(Python) else {
        println!("no python3 here: not tested");
        return;
    };
    let mut lines = BufReader::new(python.0.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "made");
    // Where Python puts it, whatever the environment says.
    let options = ndsharray::ArrayOptions::new().dir("/dev/shm");
    let array: SharedArray<i64> = options.attach_raw(&name, &[3]).unwrap();
    assert_eq!([0, 1, 2].map(|index| array.load(index)), [1, -2, 3]);
    array.store(1, 1 << 40);
    assert_eq!(array.fetch_add(2, 4), 3);
    let mut stdin = python.0.stdin.take().unwrap();
    writeln!(stdin, "go").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), format!("1 {} 7", 1_u64 << 40));
    assert!(python.0.wait().unwrap().success());
    assert!(options.attach_raw::<i64>(&name, &[3]).is_err(), "Python removed it");
    assert_eq!(array.load(0), 1, "but it is still here");
}
