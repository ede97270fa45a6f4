//! NumPy's `.npy` format: arrays to and from streams.
//!
//! | dtype | type string | |
//! |---|---|---|
//! | `bfloat16` | `<V2` | what NumPy writes for the `bfloat16` of `ml_dtypes` |
//! | `longdouble`, `clongdouble` | `<f16`, `<c32` | carried bit for bit |
//! | all others | NumPy's own | |
//!
//! NumPy itself has no `bfloat16`: `np.load(file).view(ml_dtypes.bfloat16)` reads it.
//!
//! Reading turns Fortran order and the other byte order into C order and this machine's byte order.

mod header;
mod literal;
mod reader;
mod types;

pub(crate) use header::MAGIC;
pub(crate) use reader::{ArrayReader, survey};

use crate::array::ArrayRef;
use crate::failure::Result;
use ndsharray::DType;
use npyz::{WriteOptions, WriterBuilder};
use std::io::Write;

/// Finds a dtype by NumPy's name or type string, with the groups of bytes to reverse; 0 for none.
pub(crate) fn dtype(text: &str) -> std::result::Result<(DType, usize), String> {
    // NumPy has no bfloat16.
    if let Ok(dtype) = text.parse()
        && dtype < DType::DateTime64
    {
        return Ok((dtype, 0));
    }
    types::parse(text).map_err(|_| format!("{text:?} is no dtype, such as uint8, float32 or f4"))
}

/// Writes one array.
pub(crate) fn write(mut to: impl Write, array: ArrayRef<'_>) -> Result<()> {
    let shape: Vec<u64> = array.shape.iter().map(|&len| len as u64).collect();
    let descr = npyz::DType::new_scalar(types::of(array.dtype)?);
    WriteOptions::new_header_only().dtype(descr).shape(&shape).writer(&mut to).write_header_only()?;
    to.write_all(array.bytes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::{Array, byte_len};
    use proptest::prelude::*;
    use std::io::{Cursor, Read};

    fn read(from: impl Read) -> Result<Option<Array>> {
        ArrayReader::begin(from)?.map(ArrayReader::into_array).transpose()
    }

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

    /// Larger than a block, of every width of an element.
    #[test]
    fn long_arrays_in_fortran_order_are_turned() {
        let (rows, columns) = (3000, 7);
        for (descr, size) in [("|u1", 1), ("=i2", 2), ("=f4", 4), ("=f8", 8), ("=c16", 16), ("=c32", 32)] {
            let element = |row: usize, column: usize| [(row * 31 + column * 17).to_le_bytes()[0]].repeat(size);
            let stored: Vec<u8> =
                (0..columns).flat_map(|column| (0..rows).flat_map(move |row| element(row, column))).collect();
            let turned: Vec<u8> =
                (0..rows).flat_map(|row| (0..columns).flat_map(move |column| element(row, column))).collect();
            let file = file(descr, "True", "(3000, 7)", &stored);
            assert!(read(&file[..]).unwrap().unwrap().bytes == turned, "{descr}");
            let array = ArrayReader::begin(&file[..]).unwrap().unwrap().surveyed();
            assert!(array.into_array().unwrap().bytes == turned, "{descr}");
            for len in [file.len() - 1, file.len() - stored.len()] {
                let array = ArrayReader::begin(&file[..len]).unwrap().unwrap();
                assert!(array.fill(&mut vec![0; turned.len()]).is_err(), "{descr} cut to {len}");
            }
        }
    }

    #[test]
    fn parts_are_read_one_by_one_where_that_is_safe() {
        let begin = |file: &[u8]| ArrayReader::begin(Cursor::new(file.to_vec())).unwrap().unwrap();
        let plain = file("|u1", "False", "(2, 3)", &[1, 2, 3, 4, 5, 6]);
        let Ok(mut parts) = begin(&plain).surveyed().into_parts() else { panic!("it can be cut") };
        for expected in [[1, 2, 3], [4, 5, 6]] {
            let part = parts.next().unwrap().into_array().unwrap();
            assert_eq!((part.shape, part.bytes), (vec![3], expected.to_vec()));
        }
        assert!(parts.next().is_none());
        // Its length is not known to be right, its elements not to be valid, or its parts are not
        // in one piece.
        assert!(begin(&plain).into_parts().is_err());
        assert!(begin(&plain).alone().into_parts().is_err());
        assert!(begin(&file("|b1", "False", "(2, 1)", &[1, 2])).surveyed().into_parts().is_err());
        assert!(begin(&file("|u1", "True", "(2, 2)", &[0; 4])).surveyed().into_parts().is_err());
        assert!(begin(&file("|u1", "False", "()", &[0])).surveyed().into_parts().is_err());
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

    /// The dtypes that NumPy's files have here: not yet times, texts and eight bits.
    fn in_files() -> Vec<DType> {
        DType::ALL.iter().copied().filter(|dtype| *dtype <= DType::ComplexLongDouble).collect()
    }

    proptest! {
        #[test]
        fn every_array_comes_back(
            dtype in proptest::sample::select(in_files()),
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
