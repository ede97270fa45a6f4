//! The place of a picture in the terminal.

/// Where a picture stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the text; what is written next stands below it.
    InText,
    /// On a screen, in the place of the one before, with the cursor left alone where that can be.
    OnScreen,
}
