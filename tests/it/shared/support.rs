//! What the tests share: an array of one's own.

pub(crate) use crate::common::{TIMEOUT, TestDir, wait_until};
pub(crate) use crate::peer::array::NAME;
use ndsharray::{ShElement, SharedArray};
use std::path::PathBuf;

impl TestDir {
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
