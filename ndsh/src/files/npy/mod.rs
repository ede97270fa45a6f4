//! NumPy's `.npy` format: arrays to and from streams.
//!
//! | dtype | type string | |
//! |---|---|---|
//! | `bfloat16` | `<V2` | what NumPy writes for the `bfloat16` of `ml_dtypes` |
//! | floats of 8 bits | `<V1` | what it writes for two of them, and can read for all |
//! | `longdouble`, `clongdouble` | `<f16`, `<c32` | carried bit for bit |
//! | records | a list of fields | titles are left out |
//! | all others | NumPy's own | |
//!
//! NumPy itself has none of the first two: `np.load(file).view(ml_dtypes.bfloat16)` reads them. One
//! byte of `<V1` is read here as NumPy reads it, as `V1`; `<f1`, which NumPy writes and cannot
//! read, is `float8_e5m2`.
//!
//! Reading turns Fortran order and the other byte order into C order and this machine's byte order.

mod header;
mod literal;
mod reader;
mod records;
mod types;

pub(crate) use header::MAGIC;
pub(crate) use reader::{ArrayReader, survey};
pub(crate) use records::element as of_record;

use crate::array::ArrayRef;
use crate::failure::Result;
use ndsharray::ElementType;
use std::io::Write;

/// Finds an element type by its name or NumPy's type string, with the groups of bytes to reverse;
/// 0 for none.
pub(crate) fn dtype(text: &str) -> std::result::Result<(ElementType, usize), String> {
    // NumPy has no bfloat16.
    if let Ok(element) = text.parse() {
        return Ok((element, 0));
    }
    types::parse(text).map_err(|_| format!("{text:?} is no dtype, such as uint8, float32 or f4"))
}

/// Writes one array.
pub(crate) fn write(mut to: impl Write, array: ArrayRef<'_>) -> Result<()> {
    let descr = match array.record {
        Some(record) => records::to_text(record)?,
        // Type strings have no quotes within.
        None => format!("'{}'", types::of(array.element)),
    };
    to.write_all(&header(&descr, array.shape))?;
    to.write_all(array.bytes)?;
    Ok(())
}

/// Makes a header as NumPy writes it, of a length that aligns the elements to 64 bytes.
fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let axes = match shape {
        [len] => format!("({len},)"),
        axes => format!("({})", axes.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    };
    let mut text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {axes}, }}");
    let pad = |text: &mut String, before: usize| {
        let len = (before + text.len() + 1).next_multiple_of(64) - before - 1;
        text.extend(std::iter::repeat_n(' ', len - text.len()));
        text.push('\n');
    };
    let mut file = MAGIC.to_vec();
    // All of it is ASCII, as the library writes names, so the first version will do.
    let mut short = text.clone();
    pad(&mut short, MAGIC.len() + 4);
    if let Ok(len) = u16::try_from(short.len()) {
        file.extend([1, 0]);
        file.extend(len.to_le_bytes());
        file.extend(short.bytes());
    } else {
        pad(&mut text, MAGIC.len() + 6);
        file.extend([2, 0]);
        file.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        file.extend(text.bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::{Array, byte_len};
    use ndsharray::{DType, Field, RecordType, TimeUnit};
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
        assert_eq!((array.dtype(), array.shape), (DType::I16, vec![2]));
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
        let shape = |header: &[u8]| read(header).unwrap().map(|array| (array.dtype(), array.shape));
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
            write(&mut stream, ArrayRef::new(DType::U8, &[bytes.len()], bytes)).unwrap();
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
        assert!(failure(&file("<M8[16777216s]", "False", "(1,)", &[0; 8])).contains("view(numpy.int64)"));
        assert!(failure(&file("|O", "False", "(1,)", &[0; 8])).contains("no dtype"));
        assert!(failure(&file("<f12", "False", "(1,)", &[0; 12])).contains("no dtype"));
        assert!(failure(&file("|b1", "False", "(1,)", &[2])).contains("byte 2"));
        assert!(failure(&file("<f8", "False", "(-1,)", &[])).contains("no length"));
        assert!(failure(&file("<f8", "False", "(4294967296, 4294967296)", &[])).contains("larger than any memory"));
        assert!(failure(&file("<f8", "False", "(1000000000000,)", &[])).contains("ends after 0"));
        for (descr, why) in [
            ("[]", "possible"),
            ("[('', '|V4')]", "a record without fields"),
            ("[('x', '|O')]", "this library does not have"),
            ("[('x', '<f4'), ('x', '<f4')]", "two fields called"),
            ("[('x', '<f4', (1000000, 1000000))]", "possible"),
            ("[('x', '<f4', (-1,))]", "the length of an axis"),
            ("['x', 'y']", "no list of names and dtypes"),
            ("[('x',)]", "no list of names and dtypes"),
            ("[(('a', 'b', 'c'), '<f4')]", "no list of names and dtypes"),
            ("('<f4', (2,))", "neither a name nor a list"),
        ] {
            let found = failure(&header(descr, "'fortran_order': False, 'shape': (1,)"));
            assert!(found.contains(why), "{descr}: {found}");
        }
        let bools = "[('n', '|u1'), ('ok', '|b1')]";
        let wrong = [header(bools, "'fortran_order': False, 'shape': (2,)"), vec![7, 1, 8, 2]].concat();
        assert!(failure(&wrong).contains("record 1"));
        let deep = header(&"[".repeat(5000), "");
        assert!(failure(&deep).contains("no dictionary"));
        assert!(failure(b"\x89PNG\r\n\x1a\n").contains("does not start"));
    }

    /// Elements of every kind that comes back as it was.
    fn elements() -> Vec<(ElementType, Option<RecordType>)> {
        let plain = DType::ALL.iter().map(|&dtype| dtype.into());
        // NumPy reads those as bytes, and so does this.
        let plain = plain.filter(|&element| types::loadable(element) == element);
        let wide = [ElementType::bytes(3), ElementType::text(2), ElementType::void(5)].map(|wide| wide.unwrap());
        let times = ["Y", "25s", "generic"].map(|unit| ElementType::timedelta64(unit.parse().unwrap()));
        let all = plain.chain(wide).chain(times).map(|element| (element, None));
        let inner = RecordType::new(3, [Field::new("ok", 1, DType::Bool)]).unwrap();
        let fields = [
            Field::new("it's \\ ä\u{4e00}\n", 1, DType::U16),
            Field::new("m", 4, DType::C64).with_shape(&[2, 1]),
            Field::new("in", 20, inner).with_shape(&[2]),
            Field::new("t", 26, ElementType::datetime64(TimeUnit::DAY)),
        ];
        let record = RecordType::new(37, fields).unwrap();
        all.chain([(records::element(&record).unwrap(), Some(record))]).collect()
    }

    #[test]
    fn times_texts_and_records_are_read_in_either_order() {
        let (own, other) = if cfg!(target_endian = "little") { ('<', '>') } else { ('>', '<') };
        for (word, shown, group) in [("M8[us]", "datetime64[us]", 8), ("U2", "U2", 4), ("S8", "S8", 1), ("V8", "V8", 1)]
        {
            let bytes: Vec<u8> = (0..8).collect();
            let mut turned = bytes.clone();
            turned.chunks_exact_mut(group).for_each(<[u8]>::reverse);
            for (order, expected) in [(own, &bytes), (other, &turned)] {
                let array = read(&file(&format!("{order}{word}"), "False", "(1,)", &bytes)[..]).unwrap().unwrap();
                assert_eq!((array.element.to_string().as_str(), &array.bytes), (shown, expected), "{order}{word}");
            }
        }
        let descr = format!("[(('title', 'a'), '{other}u2'), ('', '|V1'), (u'b', '|i1', 2)]");
        let rest = "'fortran_order': False, 'shape': (1,)";
        let array = read(&[header(&descr, rest), vec![1, 2, 3, 4, 5]].concat()[..]).unwrap().unwrap();
        assert_eq!(array.bytes, [2, 1, 3, 4, 5]);
        assert_eq!(array.view().type_name(), "{a: uint16, b: 2 int8}");
        // What NumPy writes for floats of 8 bits, and what it reads.
        for (descr, shown) in [("<f1", "float8_e5m2"), ("<V1", "V1"), ("|V1", "V1"), ("<V2", "bfloat16"), ("|V2", "V2")]
        {
            let array = read(&file(descr, "False", "(2,)", &[1, 2, 3, 4])[..]).unwrap().unwrap();
            assert_eq!(array.element.to_string(), shown);
        }
        let mut saved = Vec::new();
        write(&mut saved, ArrayRef::new(DType::F8E5M2, &[1], &[7])).unwrap();
        assert!(String::from_utf8_lossy(&saved).contains(if own == '<' { "'<V1'" } else { "'>V1'" }));
    }

    #[test]
    fn records_in_fortran_order_are_turned() {
        let count = 5000;
        let record = |n: u16| [n.to_ne_bytes().as_slice(), &[7]].concat();
        let (rows, columns) = (count / 2, 2);
        let stored: Vec<u8> = (0..count).flat_map(record).collect();
        let turned: Vec<u8> =
            (0..rows).flat_map(|row| (0..columns).flat_map(move |column| record(column * rows + row))).collect();
        let descr = format!("[('n', '{}u2'), ('x', '|u1')]", if cfg!(target_endian = "little") { '<' } else { '>' });
        let file = [header(&descr, "'fortran_order': True, 'shape': (2500, 2)"), stored].concat();
        assert!(read(&file[..]).unwrap().unwrap().bytes == turned);
        assert!(read(&file[..file.len() - 1]).is_err());
    }

    #[test]
    fn long_headers_have_the_second_version() {
        let name = |n: usize| format!("{n:0>3}{}", "ä".repeat(100));
        let record = RecordType::packed((0..300).map(|n| (name(n), DType::U8))).unwrap();
        let bytes = vec![3; record.item_size()];
        let array = ArrayRef::new(records::element(&record).unwrap(), &[1], &bytes).of(Some(&record));
        let mut file = Vec::new();
        write(&mut file, array).unwrap();
        assert_eq!((file[6], (file.len() - bytes.len()) % 64), (2, 0));
        assert_eq!(read(&file[..]).unwrap().unwrap().view(), array);
    }

    proptest! {
        #[test]
        fn every_array_comes_back(
            (element, record) in proptest::sample::select(elements()),
            shape in prop::collection::vec(0_usize..4, 0..5),
            seed: u8,
        ) {
            let len = byte_len(element, &shape).unwrap();
            let largest = if matches!(element.dtype(), DType::Bool | DType::Record) { 1 } else { 255 };
            let bytes: Vec<u8> = (0..len).map(|i| (i * 31).to_le_bytes()[0].wrapping_add(seed) & largest).collect();
            let array = Array { element, record, shape, bytes };
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
