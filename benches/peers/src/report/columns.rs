//! A library may take part under several names, one for each way to use it. In the summary and in plots it stands with the best of them.

use crate::harness::figure::Figure;

/// A library, or a way that needs none.
pub(super) struct Column {
    pub(super) name: &'static str,
    /// What the names of its contenders begin with.
    prefixes: &'static [&'static str],
    /// What they do not contain.
    but: &'static str,
    pub(super) color: (u8, u8, u8),
}

const fn column(
    name: &'static str,
    prefixes: &'static [&'static str],
    but: &'static str,
    color: (u8, u8, u8),
) -> Column {
    Column { name, prefixes, but, color }
}

/// In the order of the summary's columns; ours first.
pub(super) const COLUMNS: [Column; 8] = [
    column("ndsharray", &["ndsharray"], ",", (0xD6, 0x27, 0x28)),
    column("iceoryx2", &["iceoryx2"], "blackboard", (0x1F, 0x77, 0xB4)),
    column("iceoryx2 blackboard", &["iceoryx2, blackboard", "iceoryx2, is_up"], "-", (0x17, 0xBE, 0xCF)),
    column("mmap-sync", &["mmap-sync"], "-", (0x2C, 0xA0, 0x2C)),
    column("pipe", &["pipe"], "-", (0xFF, 0x7F, 0x0E)),
    column("Unix socket", &["Unix socket"], "-", (0x94, 0x67, 0xBD)),
    column("Python ndsharray", &["Python ndsharray"], "-", (0x8C, 0x56, 0x4B)),
    column("floor", &["floor", "memcpy"], "-", (0x7F, 0x7F, 0x7F)),
];

impl Column {
    /// The best of its figures, where less is better.
    pub(super) fn best<'a>(&self, figures: &'a [Figure], what: &str, at: usize) -> Option<&'a Figure> {
        figures
            .iter()
            .filter(|each| each.what == what && each.at == at)
            .filter(|each| self.prefixes.iter().any(|prefix| each.contender.starts_with(prefix)))
            .filter(|each| {
                !each.contender.contains(self.but) && !each.contender.contains("is_up")
                    || self.name.contains("blackboard")
            })
            .min_by(|a, b| a.value.median.total_cmp(&b.value.median))
    }
}
