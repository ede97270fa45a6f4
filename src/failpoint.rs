//! Named points at which a test can have this process killed or stopped.
//!
//! With them tests prove that the other processes go on.
//!
//! Compiled in only with the feature `failpoints`, which exists for this crate's own tests. The
//! environment variable `NDSHARRAY_FAILPOINT` arms points: a list, separated by commas, of
//! `NAME:COUNT:ACTION`. At the COUNT-th passing (1 is the first) of the point the process gets
//! SIGKILL (`kill`), SIGABRT (`abort`) or SIGSTOP (`stop`); on Windows it is terminated, or aborts
//! (also at `stop`). With the word `trace` in the list, each point that is passed is named on a
//! line of the standard error.

/// Marks a point between two steps. Expands to nothing without the feature.
macro_rules! fail_point {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        {
            const { assert!($crate::failpoint::is_listed($name), "not in FAIL_POINTS") };
            $crate::failpoint::pass($name);
        }
    };
}
pub(crate) use fail_point;

#[cfg(feature = "failpoints")]
#[allow(unreachable_pub, reason = "re-exported for the tests")]
pub use armed::{ARRAY_FAIL_POINTS, COMPAT_FAIL_POINTS, FAIL_POINTS};
#[cfg(feature = "failpoints")]
pub(crate) use armed::{arm, is_listed, pass};

#[cfg(feature = "failpoints")]
mod armed {
    use crate::sys::{self, End};
    use ndsharray_protocol::failpoint::{self as protocol, is_listed as has};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Every point of channels.
    ///
    /// The compiler refuses one that is missing here, the death tests one that they never come to.
    #[rustfmt::skip]
    #[allow(unreachable_pub, reason = "re-exported for the tests")]
    pub const FAIL_POINTS: &[&str] = &[
        // Becoming the writer.
        "name.opened", "name.locked", "create.reserved", "head.body", "create.board", "create.table_cleared", "create.table_file",
        "create.table", "create.forgotten", "create.epoch", "create.marked", "create.open",
        // Instead of a board that cannot be kept.
        "create.retired", "create.retire_woken", "create.retire_payload", "create.retire_unlinked",
        // What an earlier writer left.
        "inherit.reaped", "inherit.slot", "inherit.sorted", "reap.locked", "reap.removed",
        // A value.
        "board.extended", "claim.zeroed", "claim.refused", "claim.abandoned", "claim.confirmed", "payload.created", "payload.reserved", "grow.created",
        "grow.replaced", "write.described", "write.copied", "attributes.extended", "attributes.written", "attributes.described", "publish.written", "publish.numbered", "publish.celled", "publish.named", "ahead.zeroed", "ahead.claimed", "publish.rung",
        "ring.cleared", "ring.changed", "give_up.claimed", "give_up.cleared", "unlink.removed",
        // What its records consist of.
        "types.cleared", "types.created", "types.written", "types.made", "types.cut", "types.appended", "types.removed",
        // Files that have gone under their writer.
        "renew.closed", "renew.removed", "renew.copied", "renew.acquired",
        // The end.
        "close.marked", "close.rung", "close.kept", "close.left", "close.unlocked",
        // Waiting for lossless readers.
        "gate.announced",
        "clear.locked", "clear.marked", "clear.rung", "clear.payload", "clear.table", "clear.board",
        "remove.marked", "remove.payload", "remove.table", "remove.board",
        // A reader comes and goes.
        "attach.locked", "register.cleared", "register.shown", "attach.placed", "register.emptied", "detach.removed",
        "follow.attached",
        // It holds a value.
        "pin.chosen", "pin.announced", "pin.held", "pin.missed", "pin.resolved", "pin.cleared", "keep.shown",
        "older.chosen", "older.announced", "older.held", "older.missed", "older.resolved", "lossless.told",
        // It copies, it waits.
        "copy.stamped", "copy.copied", "wait.announced", "wait.slept",
    ];

    /// The points of shared arrays.
    #[rustfmt::skip]
    #[allow(unreachable_pub, reason = "re-exported for the tests")]
    pub const ARRAY_FAIL_POINTS: &[&str] = &[
        // Making and opening one, and the end.
        "name.opened", "name.locked", "array.reserved", "array.filled", "array.finished", "array.placed", "array.parted",
        // Its lock.
        "lock.joined", "lock.counted", "lock.shared", "lock.left", "lock.share_asleep", "lock.switching", "lock.switched", "lock.claimed",
        "lock.alone", "lock.released", "lock.claim_asleep", "lock.drain_asleep", "lock.freed", "lock.reaped",
    ];

    /// The points of channels in the format of Python's ndsharray.
    #[rustfmt::skip]
    #[allow(unreachable_pub, reason = "re-exported for the tests")]
    pub const COMPAT_FAIL_POINTS: &[&str] = &[
        // Becoming the writer, and what an earlier one left.
        "tag.reserved", "tag.whole", "shelf.cleared", "shelf.inherited",
        // A value.
        "wire.created", "wire.reserved", "wire.stamped", "wire.headed", "wire.written", "tag.published",
        // A file that is written again, and what takes its old name.
        "shelf.linked", "shelf.leased", "shelf.rewritten", "tombstone.linked", "tombstone.created", "tombstone.long", "tombstone.made",
        "tombstone.placed", "shelf.forgotten",
        // The end.
        "shelf.removed", "shelf.name_removed", "tag.last",
        // Removal by others.
        "remove.locked", "remove.wire", "remove.tag", "sweep.aside", "sweep.removed", "sweep.last",
    ];

    /// Whether one of the lists has `name`.
    pub(crate) const fn is_listed(name: &str) -> bool {
        has(name, FAIL_POINTS) || has(name, ARRAY_FAIL_POINTS) || has(name, COMPAT_FAIL_POINTS)
    }

    // The protocol's points are among them.
    const _: () = {
        let mut left = protocol::FAIL_POINTS;
        while let [name, rest @ ..] = left {
            assert!(is_listed(name), "a point of the protocol is in none of the lists");
            left = rest;
        }
    };

    /// Routes the protocol's points through [`pass`] too.
    ///
    /// Called before the first of them: where files are mapped, as all words of the protocol lie in
    /// mappings.
    pub(crate) fn arm() {
        protocol::set_hook(pass);
    }

    struct Orders {
        trace: bool,
        points: Vec<Point>,
    }

    struct Point {
        name: String,
        count: u64,
        end: End,
        passed: AtomicU64,
    }

    fn parse(text: &str) -> Option<Point> {
        let mut parts = text.split(':');
        let name = parts.next()?.to_owned();
        let count = parts.next()?.parse().ok()?;
        let end = match parts.next()? {
            "kill" => End::Kill,
            "abort" => End::Abort,
            "stop" => End::Stop,
            _ => return None,
        };
        Some(Point { name, count, end, passed: AtomicU64::new(0) })
    }

    fn orders() -> Orders {
        let text = std::env::var("NDSHARRAY_FAILPOINT").unwrap_or_default();
        Orders {
            trace: text.split(',').any(|item| item == "trace"),
            points: text.split(',').filter_map(parse).collect(),
        }
    }

    /// Dies or stops here if this point is armed and its turn has come.
    pub(crate) fn pass(name: &str) {
        static ORDERS: OnceLock<Orders> = OnceLock::new();
        let orders = ORDERS.get_or_init(orders);
        if orders.trace {
            eprintln!("{name}");
        }
        for point in orders.points.iter().filter(|point| point.name == name) {
            // Relaxed: a counter that orders nothing.
            if point.passed.fetch_add(1, Ordering::Relaxed) + 1 == point.count {
                sys::end(point.end);
            }
        }
    }
}
