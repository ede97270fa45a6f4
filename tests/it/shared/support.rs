//! What the tests share: an array of one's own.

pub(crate) use crate::common::{PATIENCE, Room, wait_until};
use ndsharray::{ShElement, SharedArray};
use std::path::PathBuf;

/// The name that most tests give their array; the directory keeps them apart.
pub(crate) const NAME: &str = "array";

impl Room {
    pub(crate) fn file(&self) -> PathBuf {
        self.path().join(format!("{NAME}.ndsa"))
    }

    pub(crate) fn create<T: ShElement>(&self, shape: &[usize]) -> SharedArray<T> {
        self.array_options().create(NAME, shape).unwrap()
    }

    pub(crate) fn open<T: ShElement>(&self) -> SharedArray<T> {
        self.array_options().open(NAME).unwrap()
    }
}
