//! A library may take part under several names, one for each way to use it. In the summary and in
//! plots it stands with the best of them.

use crate::contenders::{memcpy, python};
use crate::harness::figure::Figure;
use crate::measurements::OURS;

/// A library, or a way that needs none.
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Whether a contender of this name belongs to it.
    takes: fn(&str) -> bool,
    pub(super) color: (u8, u8, u8),
}

const fn column(name: &'static str, color: (u8, u8, u8), takes: fn(&str) -> bool) -> Column {
    Column { name, takes, color }
}

/// iceoryx2's blackboard is another thing than its publish-subscribe.
const BLACKBOARD: [&str; 2] = ["iceoryx2, blackboard", "iceoryx2, is_up_to_date"];

/// In the order of the summary's columns; ours first.
pub(super) const COLUMNS: [Column; 9] = [
    column("ndsharray", (0xD6, 0x27, 0x28), |name| name == OURS),
    column("iceoryx2", (0x1F, 0x77, 0xB4), |name| name.starts_with("iceoryx2") && !BLACKBOARD.contains(&name)),
    column("iceoryx2 blackboard", (0x17, 0xBE, 0xCF), |name| BLACKBOARD.contains(&name)),
    column("mmap-sync", (0x2C, 0xA0, 0x2C), |name| name.starts_with("mmap-sync")),
    column("seqlock", (0xE3, 0x77, 0xC2), |name| name.starts_with("seqlock")),
    column("pipe", (0xFF, 0x7F, 0x0E), |name| name == "pipe"),
    column("Unix socket", (0x94, 0x67, 0xBD), |name| name == "Unix socket"),
    column("Python ndsharray", (0x8C, 0x56, 0x4B), |name| name == python::NAME),
    column("floor", (0x7F, 0x7F, 0x7F), |name| name.starts_with("floor") || name == memcpy::NAME),
];

impl Column {
    /// The best of its figures, where less is better.
    pub(super) fn best<'a>(&self, figures: &'a [Figure], what: &str, at: usize) -> Option<&'a Figure> {
        figures
            .iter()
            .filter(|each| each.what == what && each.at == at && (self.takes)(&each.contender))
            .min_by(|a, b| a.value.median.total_cmp(&b.value.median))
    }
}
