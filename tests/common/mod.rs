//! What test binaries share: directories, a time limit, named values and peer processes.
//!
//! A binary that starts peers has the test `peer::program`, which they run: see `process`.

#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]

mod dice;
pub(crate) mod os;
mod output;
mod process;
pub(crate) mod stress;
mod test_dir;
mod values;

pub(crate) use dice::Dice;
pub(crate) use process::{Event, Peer, listen, role, say};
pub(crate) use test_dir::{NAME, TestDir};
pub(crate) use values::{Named, attributes_of, len_of, name_of, pattern, shape_of, value};

use std::time::{Duration, Instant};

/// Long enough for anything that must happen, however busy the machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(120);

/// Waits until `done`, and fails after [`TIMEOUT`].
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + TIMEOUT;
    while !done() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Runs a future to its end on this thread, which sleeps while there is nothing to do.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    let end = Instant::now() + TIMEOUT;
    loop {
        if let std::task::Poll::Ready(found) = future.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
            return found;
        }
        assert!(Instant::now() < end, "the future does not end");
        std::thread::park_timeout(TIMEOUT);
    }
}
