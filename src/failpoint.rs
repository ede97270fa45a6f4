//! Named points at which a test can have this process killed, to prove that the others go on.
//!
//! Compiled in only with the feature `failpoints`, which exists for this crate's own tests. The environment variable
//! `NDSHARRAY_FAILPOINT=NAME:COUNT:ACTION` arms one point: at its COUNT-th passing (1 is the first) the process gets SIGKILL (`kill`),
//! SIGABRT (`abort`) or SIGSTOP (`stop`).

/// Marks a point between two steps. Nothing at all without the feature.
macro_rules! fail_point {
    ($name:literal) => {
        #[cfg(all(feature = "failpoints", not(loom)))]
        $crate::failpoint::pass($name);
    };
}
pub(crate) use fail_point;

#[cfg(all(feature = "failpoints", not(loom)))]
pub(crate) use armed::pass;

#[cfg(all(feature = "failpoints", not(loom)))]
mod armed {
    use crate::sync::{AtomicU64, Ordering};
    use std::sync::OnceLock;

    struct Armed {
        name: String,
        count: u64,
        signal: i32,
        passed: AtomicU64,
    }

    fn parse(text: &str) -> Option<Armed> {
        let mut parts = text.split(':');
        let name = parts.next()?.to_owned();
        let count = parts.next()?.parse().ok()?;
        let signal = match parts.next()? {
            "kill" => libc::SIGKILL,
            "abort" => libc::SIGABRT,
            "stop" => libc::SIGSTOP,
            _ => return None,
        };
        Some(Armed { name, count, signal, passed: AtomicU64::new(0) })
    }

    /// Dies here if this point is armed and its turn has come.
    pub(crate) fn pass(name: &str) {
        static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
        let armed = ARMED.get_or_init(|| {
            let text = std::env::var("NDSHARRAY_FAILPOINT").ok()?;
            parse(&text)
        });
        if let Some(armed) = armed
            && armed.name == name
            // Relaxed: a counter that orders nothing.
            && armed.passed.fetch_add(1, Ordering::Relaxed) + 1 == armed.count
        {
            // SAFETY: raise takes a signal number, touches no memory of ours and is callable from any thread.
            unsafe { libc::raise(armed.signal) };
        }
    }
}
