//! Named points between two steps of the protocols.
//!
//! At each of them a test can have its process killed or stopped.
//!
//! Compiled in only with the feature `failpoints`. What happens at a point is for the library to
//! say: it sets a hook.

/// Marks a point between two steps. Nothing at all without the feature.
macro_rules! fail_point {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        {
            const { assert!($crate::failpoint::is_listed($name, $crate::failpoint::FAIL_POINTS), "not in FAIL_POINTS") };
            $crate::failpoint::pass($name);
        }
    };
}
pub(crate) use fail_point;

#[cfg(feature = "failpoints")]
pub(crate) use armed::pass;
#[cfg(feature = "failpoints")]
pub use armed::{FAIL_POINTS, is_listed, set_hook};

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::OnceLock;

    /// Every point of this crate: the compiler refuses one that is missing here.
    #[rustfmt::skip]
    pub const FAIL_POINTS: &[&str] = &[
        // A board or table is made.
        "head.body",
        // A value.
        "claim.zeroed", "claim.refused", "claim.abandoned", "claim.confirmed", "publish.written", "publish.numbered", "publish.celled",
        "publish.named",
        "ahead.zeroed", "ahead.claimed", "ring.cleared", "ring.changed",
        // A reader comes and goes, holds a value, waits.
        "register.cleared", "register.shown", "register.emptied", "pin.chosen", "pin.announced", "pin.held", "pin.missed", "pin.cleared",
        "older.chosen", "older.announced", "older.held", "older.missed", "keep.shown", "wait.announced", "lossless.told",
        // The lock.
        "lock.joined", "lock.counted", "lock.shared", "lock.left", "lock.share_asleep", "lock.switching", "lock.switched", "lock.claimed",
        "lock.alone", "lock.released", "lock.claim_asleep", "lock.drain_asleep", "lock.freed", "lock.reaped",
    ];

    /// What is done at each point.
    static HOOK: OnceLock<fn(&str)> = OnceLock::new();

    /// Calls `hook` with the name of each point passed from here on.
    ///
    /// The first hook stays.
    pub fn set_hook(hook: fn(&str)) {
        HOOK.get_or_init(|| hook);
    }

    pub(crate) fn pass(name: &str) {
        if let Some(hook) = HOOK.get() {
            hook(name);
        }
    }

    /// Whether `list` has `name`.
    pub const fn is_listed(name: &str, mut list: &[&str]) -> bool {
        while let [first, rest @ ..] = list {
            if equal(first.as_bytes(), name.as_bytes()) {
                return true;
            }
            list = rest;
        }
        false
    }

    const fn equal(mut a: &[u8], mut b: &[u8]) -> bool {
        while let ([x, a_rest @ ..], [y, b_rest @ ..]) = (a, b) {
            if *x != *y {
                return false;
            }
            (a, b) = (a_rest, b_rest);
        }
        a.is_empty() && b.is_empty()
    }
}
