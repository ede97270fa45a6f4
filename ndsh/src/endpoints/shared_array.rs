//! A shared array whose dtype is known only at run time.

use crate::array::ArrayRef;
use crate::failure::Result;
use ndsharray::{AnySharedArray, ArrayOptions, Error, Options};
use std::time::Duration;

/// A shared array of any dtype.
pub(crate) trait LockedView: Send {
    /// Calls `look` with the array under its lock.
    ///
    /// If a writer holds the lock for longer than `time`, `look` is not called.
    ///
    /// A poisoned array is read too: its elements may be half written.
    fn look(&self, time: Duration, look: &mut dyn FnMut(ArrayRef<'_>)) -> Result<()>;
}

impl LockedView for AnySharedArray {
    fn look(&self, time: Duration, look: &mut dyn FnMut(ArrayRef<'_>)) -> Result<()> {
        let guard = match self.read_timeout(time) {
            Ok(Some(guard)) => guard,
            Ok(None) => return Ok(()),
            Err(Error::Poisoned(poisoned)) => poisoned.into_read_guard(self)?,
            Err(error) => return Err(error.into()),
        };
        let view = guard.view();
        look(ArrayRef::new(self.element_type(), view.shape(), view.as_bytes()).of(self.record_type()));
        Ok(())
    }
}

/// Opens the shared array `name`.
pub(super) fn open(options: &Options, name: &str) -> ndsharray::Result<Box<dyn LockedView>> {
    Ok(Box::new(ArrayOptions::from(options).open_any(name)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndsharray::{Complex, DType, f16};

    #[test]
    fn every_dtype_opens() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options::new().dir(dir.path());
        let arrays = ArrayOptions::from(&options);
        assert!(matches!(open(&options, "nothing"), Err(Error::NotFound { .. })));
        for dtype in [DType::U8, DType::I64, DType::F16, DType::C128] {
            let name = dtype.name();
            match dtype {
                DType::U8 => drop(arrays.create::<u8>(name, &[2, 3]).unwrap()),
                DType::I64 => drop(arrays.create::<i64>(name, &[2, 3]).unwrap()),
                DType::F16 => drop(arrays.create::<f16>(name, &[2, 3]).unwrap()),
                _ => drop(arrays.create::<Complex<f64>>(name, &[2, 3]).unwrap()),
            }
            let array = open(&options, name).unwrap();
            let mut seen = None;
            array
                .look(Duration::from_secs(2), &mut |array| {
                    seen = Some((array.dtype(), array.shape.to_vec(), array.bytes.len()));
                })
                .unwrap();
            assert_eq!(seen, Some((dtype, vec![2, 3], 6 * dtype.size())));
        }
    }
}
