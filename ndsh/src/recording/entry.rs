//! A value as a player has it.

use super::elements::Elements;
use super::note::Note;
use std::borrow::Cow;

/// A value of a recording.
pub(crate) struct Entry<'a> {
    /// The channel's name; `None` where the recording does not say it.
    pub(crate) name: Option<&'a str>,
    pub(crate) note: Note,
    pub(crate) elements: Cow<'a, Elements>,
    pub(crate) shape: Cow<'a, [usize]>,
    pub(crate) bytes: Cow<'a, [u8]>,
    pub(crate) attributes: Cow<'a, [u8]>,
}
