//! NumPy's `.npy` format: arrays to and from streams.
//!
//! | dtype | type string | |
//! |---|---|---|
//! | `bfloat16` | `<V2` | NumPy has no such dtype; this is what it writes for the one of `ml_dtypes`: `np.load(file).view(ml_dtypes.bfloat16)` |
//! | `longdouble`, `clongdouble` | `<f16`, `<c32` | carried bit for bit |
//! | all others | NumPy's own | |
//!
//! Files in Fortran order and in the other byte order are turned into C order and this machine's.

mod header;
mod literal;
mod types;

use super::bad_file;
use crate::array::{Array, ArrayRef, byte_len, no_memory};
use crate::failure::{Failure, Result};
use header::Header;

pub(crate) use header::MAGIC;
use ndarray::ShapeBuilder;
use ndsharray::DType;
use npyz::{WriteOptions, WriterBuilder};
use std::io::{Read, Seek, SeekFrom, Write};

/// How much is read before more memory is asked for: a header that lies about its array costs no more than this.
const STEP: usize = 16 << 20;

/// Writes one array.
pub(crate) fn write(mut to: impl Write, array: ArrayRef<'_>) -> Result<()> {
    let shape: Vec<u64> = array.shape.iter().map(|&len| len as u64).collect();
    let descr = npyz::DType::new_scalar(types::of(array.dtype)?);
    WriteOptions::new_header_only().dtype(descr).shape(&shape).writer(&mut to).write_header_only()?;
    to.write_all(array.bytes)?;
    Ok(())
}

/// An array of which the header has been read, and the elements not yet.
pub(crate) struct Incoming<R> {
    header: Header,
    len: usize,
    from: R,
    /// Whether the stream has to end behind it.
    alone: bool,
}

/// Reads the header of the next array of a stream; `None` at its end.
pub(crate) fn begin<R: Read>(mut from: R) -> Result<Option<Incoming<R>>> {
    let Some(header) = header::read(&mut from)? else { return Ok(None) };
    let len = byte_len(header.dtype, &header.shape)
        .ok_or_else(|| bad_file(".npy", format!("an array of shape {:?} is larger than any memory", header.shape)))?;
    Ok(Some(Incoming { header, len, from, alone: false }))
}

impl<R: Read> Incoming<R> {
    /// Refuses what follows. An archive compares a checksum only where its entry ends.
    pub(crate) fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    pub(crate) fn dtype(&self) -> DType {
        self.header.dtype
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// Reads the elements into memory of their length, in C order and this machine's byte order.
    pub(crate) fn fill(mut self, room: &mut [u8]) -> Result<()> {
        let Header { dtype, swap, fortran, shape } = self.header;
        if fortran && shape.len() > 1 {
            let mut bytes = read_bytes(&mut self.from, self.len)?;
            end(&mut self.from, self.alone)?;
            settle(dtype, swap, &mut bytes)?;
            return to_c_order(dtype, &shape, &bytes, room);
        }
        let mut done = 0;
        while let Some(rest) = room.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.from.read(rest) {
                Ok(0) => return Err(cut(done, self.len)),
                Ok(n) => done += n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        end(&mut self.from, self.alone)?;
        settle(dtype, swap, room)
    }

    /// Reads the array into memory of its own.
    pub(crate) fn into_array(mut self) -> Result<Array> {
        let Header { dtype, swap, fortran, shape } = self.header;
        let mut bytes = read_bytes(&mut self.from, self.len)?;
        end(&mut self.from, self.alone)?;
        settle(dtype, swap, &mut bytes)?;
        if fortran && shape.len() > 1 {
            let mut turned = Vec::new();
            turned.try_reserve_exact(self.len).map_err(|_| no_memory(self.len))?;
            turned.resize(self.len, 0);
            to_c_order(dtype, &shape, &bytes, &mut turned)?;
            bytes = turned;
        }
        Ok(Array { dtype, shape, bytes })
    }
}

/// Reads the next array of a stream; `None` at its end.
#[cfg(test)]
pub(crate) fn read(from: impl Read) -> Result<Option<Array>> {
    begin(from)?.map(Incoming::into_array).transpose()
}

/// Looks through a file of one array after another, without reading their elements: how many.
pub(crate) fn survey(file: &mut (impl Read + Seek)) -> Result<usize> {
    let end = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let mut count = 0;
    while let Some(array) = begin(&mut *file)? {
        let len = array.len;
        let at = file.stream_position()?;
        let left = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
        if left < len {
            return Err(cut(left, len));
        }
        file.seek(SeekFrom::Start(at + len as u64))?;
        count += 1;
    }
    file.rewind()?;
    Ok(count)
}

/// Reads on to the end, where there is one to be.
fn end(from: &mut impl Read, alone: bool) -> Result<()> {
    let mut more = Vec::new();
    if alone && from.take(1).read_to_end(&mut more)? > 0 {
        return Err(bad_file(".npy", "more follows behind its elements"));
    }
    Ok(())
}

fn cut(found: usize, len: usize) -> Failure {
    bad_file(".npy", format!("it ends after {found} of {len} bytes of elements"))
}

/// Turns bytes to this machine's order, and checks them.
fn settle(dtype: DType, swap: usize, bytes: &mut [u8]) -> Result<()> {
    if swap > 1 {
        bytes.chunks_exact_mut(swap).for_each(<[u8]>::reverse);
    }
    match bytes.iter().find(|byte| **byte > 1) {
        Some(byte) if dtype == DType::Bool => Err(bad_file(".npy", format!("a bool is the byte {byte}"))),
        _ => Ok(()),
    }
}

fn read_bytes(from: impl Read, len: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut from = from.take(len as u64);
    while bytes.len() < len {
        let step = STEP.max(bytes.len()).min(len - bytes.len());
        bytes.try_reserve_exact(step).map_err(|_| no_memory(len))?;
        if (&mut from).take(step as u64).read_to_end(&mut bytes)? < step {
            return Err(cut(bytes.len(), len));
        }
    }
    Ok(bytes)
}

/// Writes the elements of an array in Fortran order to `room` in C order.
fn to_c_order(dtype: DType, shape: &[usize], bytes: &[u8], room: &mut [u8]) -> Result<()> {
    fn turn<const N: usize>(shape: &[usize], bytes: &[u8], room: &mut [u8]) -> Option<()> {
        let elements = bytes.as_chunks::<N>().0;
        let view = ndarray::ArrayView::from_shape(ndarray::IxDyn(shape).f(), elements).ok()?;
        room.as_chunks_mut::<N>().0.iter_mut().zip(&view).for_each(|(to, from)| *to = *from);
        Some(())
    }
    match dtype.size() {
        1 => turn::<1>(shape, bytes, room),
        2 => turn::<2>(shape, bytes, room),
        4 => turn::<4>(shape, bytes, room),
        8 => turn::<8>(shape, bytes, room),
        16 => turn::<16>(shape, bytes, room),
        _ => turn::<32>(shape, bytes, room),
    }
    .ok_or_else(|| bad_file(".npy", format!("an array of shape {shape:?} cannot be turned into C order")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(descr: &str, rest: &str) -> Vec<u8> {
        let text = format!("{{'descr': {descr}, {rest}}}\n");
        let mut file = MAGIC.to_vec();
        file.extend([1, 0]);
        file.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
        file.extend(text.as_bytes());
        file
    }

    fn file(descr: &str, fortran: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
        [&header(&format!("'{descr}'"), &format!("'fortran_order': {fortran}, 'shape': {shape}"))[..], bytes].concat()
    }

    fn failure(file: &[u8]) -> String {
        format!("{:?}", read(file).unwrap_err())
    }

    #[test]
    fn big_endian_is_turned() {
        let array = read(&file(">i2", "False", "(2,)", &[1, 2, 3, 4])[..]).unwrap().unwrap();
        assert_eq!((array.dtype, array.shape), (DType::I16, vec![2]));
        assert_eq!(array.bytes, [0x0102_i16, 0x0304].map(i16::to_ne_bytes).concat());
        let complex = [1_f32.to_be_bytes(), (-2_f32).to_be_bytes()].concat();
        let array = read(&file(">c8", "False", "()", &complex)[..]).unwrap().unwrap();
        assert_eq!(array.bytes, [1_f32, -2.0].map(f32::to_ne_bytes).concat());
    }

    #[test]
    fn fortran_order_is_turned() {
        // Columns (1, 2, 3) and (4, 5, 6).
        let array = read(&file("|u1", "True", "(3, 2)", &[1, 2, 3, 4, 5, 6])[..]).unwrap().unwrap();
        assert_eq!(array.bytes, [1, 4, 2, 5, 3, 6]);
        let empty = read(&file("|u1", "True", "(3, 0, 2)", &[])[..]).unwrap().unwrap();
        assert_eq!((empty.shape, empty.bytes.len()), (vec![3, 0, 2], 0));
    }

    #[test]
    fn headers_that_numpy_reads() {
        let shape = |header: &[u8]| read(header).unwrap().map(|array| (array.dtype, array.shape));
        let two = Some((DType::U8, vec![2]));
        let with = |descr: &str, rest: &str| [header(descr, rest), vec![1, 2]].concat();
        assert_eq!(shape(&with("'|u1'", "'fortran_order': False, 'shape': (2L,)")), two, "Python 2");
        assert_eq!(shape(&with("\"|u1\"", "'shape': (\n2, ), # more\n'fortran_order': False,")), two);
        assert_eq!(shape(&with("u'B'", "'fortran_order': False, 'shape': (0x2,)")), two);
        assert_eq!(shape(&with("'uint8'", "'fortran_order': False, 'shape': (True, 2)")).unwrap().1, [1, 2]);
        let mut third = header("'|u1'", "'fortran_order': False, 'shape': (2L,)");
        third[6] = 3;
        assert!(failure(&third).contains("version 3.0") || failure(&third).contains("its header"), "that is of today");
        for wrong in ["'fortran_order': 0, 'shape': (2,)", "'fortran_order': False, 'shape': (2)"] {
            assert!(failure(&with("'|u1'", wrong)).contains("not a .npy"), "{wrong}");
        }
        let more = with("'|u1'", "'fortran_order': False, 'shape': (2,), 'x': 1");
        assert!(failure(&more).contains("unknown key"));
    }

    #[test]
    fn several_arrays_in_one_stream() {
        let mut stream = Vec::new();
        for bytes in [&[1, 2][..], &[3]] {
            write(&mut stream, ArrayRef { dtype: DType::U8, shape: &[bytes.len()], bytes }).unwrap();
        }
        let mut from = &stream[..];
        assert_eq!(read(&mut from).unwrap().unwrap().bytes, [1, 2]);
        assert_eq!(read(&mut from).unwrap().unwrap().bytes, [3]);
        assert_eq!(read(&mut from).unwrap(), None);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let fine = file("|u1", "False", "(2,)", &[1, 2]);
        assert!(read(&fine[..]).is_ok());
        for len in 1..fine.len() {
            assert!(read(&fine[..len]).is_err(), "cut to {len}");
        }
        assert!(failure(&file("<M8[ns]", "False", "(1,)", &[0; 8])).contains("view(numpy.int64)"));
        assert!(failure(&file("|O", "False", "(1,)", &[0; 8])).contains("no dtype"));
        assert!(failure(&file("<f12", "False", "(1,)", &[0; 12])).contains("no dtype"));
        assert!(failure(&file("|b1", "False", "(1,)", &[2])).contains("byte 2"));
        assert!(failure(&file("<f8", "False", "(-1,)", &[])).contains("no length"));
        assert!(failure(&file("<f8", "False", "(4294967296, 4294967296)", &[])).contains("larger than any memory"));
        assert!(failure(&file("<f8", "False", "(1000000000000,)", &[])).contains("ends after 0"));
        let fields = header("[('a', '<f4'), ('b', '<i4')]", "'fortran_order': False, 'shape': (1,)");
        assert!(failure(&fields).contains("fields"));
        let deep = header(&"[".repeat(5000), "");
        assert!(failure(&deep).contains("no dictionary"));
        assert!(failure(b"\x89PNG\r\n\x1a\n").contains("does not start"));
    }

    proptest! {
        #[test]
        fn every_array_comes_back(
            dtype in proptest::sample::select(DType::ALL),
            shape in prop::collection::vec(0_usize..4, 0..5),
            seed: u8,
        ) {
            let len = byte_len(dtype, &shape).unwrap();
            let largest = if dtype == DType::Bool { 1 } else { 255 };
            let bytes: Vec<u8> = (0..len).map(|i| (i * 31).to_le_bytes()[0].wrapping_add(seed) & largest).collect();
            let array = Array { dtype, shape, bytes };
            let mut file = Vec::new();
            write(&mut file, array.view()).unwrap();
            prop_assert_eq!((file.len() - len) % 64, 0);
            prop_assert_eq!(read(&file[..]).unwrap(), Some(array));
        }

        #[test]
        fn any_bytes_have_an_answer(bytes: Vec<u8>, text in "[{}()\\[\\]',:a-z0-9<>|\\- ]{0,60}") {
            let _ = read(&bytes[..]);
            let _ = read(&[&MAGIC[..], &[1, 0], &u16::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat()[..]);
        }
    }
}
