//! The payload files that a reader keeps open to copy from.

use crate::channel::board::Board;
use crate::error::Result;
use crate::files::location::Location;
use crate::files::owners::Owners;
use crate::files::trusted::open_trusted;
use crate::sys::{self, Access};
use ndsharray_protocol::channel::Standing;
use std::fs::File;
use uuid::Uuid;

/// Payload files kept open between copies.
///
/// Few, as a reader must not use up the process' descriptors.
pub(super) struct OpenFiles {
    open: [Option<(Uuid, File)>; 4],
    /// As of when those that have gone were closed.
    files: Standing,
}

impl Default for OpenFiles {
    fn default() -> Self {
        Self { open: [const { None }; 4], files: Standing::UNKNOWN }
    }
}

impl OpenFiles {
    /// The payload file `id`, if it is open; it may have lost its name since.
    pub(super) fn find(&self, id: Uuid) -> Option<&File> {
        self.open.iter().flatten().find(|(known, _)| *known == id).map(|(_, file)| file)
    }

    pub(super) fn get(&mut self, id: Uuid, slot: usize, location: &Location, owners: Owners) -> Result<&File> {
        let [a, b, c, d] = &mut self.open;
        let place = match slot % 4 {
            0 => a,
            1 => b,
            2 => c,
            _ => d,
        };
        if !matches!(place, Some((known, _)) if *known == id) {
            let (file, _) = open_trusted(&location.payload(id), Access::Read, owners)?;
            *place = Some((id, file));
        }
        match place {
            Some((_, file)) => Ok(file),
            None => unreachable!("filled above"),
        }
    }

    /// Closes files that the writer has unlinked, so that their memory is freed.
    pub(super) fn forget_gone(&mut self, board: &Board) {
        let now = board.standing();
        if now.has_same_files(self.files) {
            return;
        }
        self.files = now;
        for place in &mut self.open {
            // A file that cannot be identified is opened anew when it is needed.
            if place.as_ref().is_some_and(|(_, file)| !sys::identify(file).is_ok_and(|identity| identity.links > 0)) {
                *place = None;
            }
        }
    }
}
