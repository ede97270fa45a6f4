//! What the package wrote, byte by byte.

use crate::compat::support::TestDir;
use ndsharray::compat::DTypeTable;
use ndsharray::{Complex, ComplexLongDouble, DType, LongDouble, f16};
use std::fs;

const SAMPLES: [(DTypeTable, &str); 2] =
    [(DTypeTable::V1_1_1, include_str!("samples/1.1.1.txt")), (DTypeTable::V1_1_4, include_str!("samples/1.1.4.txt"))];

/// The name under which they were recorded.
const NAME: &str = "ndsharray-sample";

struct Sample {
    dtype: DType,
    shape: Vec<usize>,
    tag: Vec<u8>,
    payload: Vec<u8>,
}

fn samples() -> impl Iterator<Item = (DTypeTable, Sample)> {
    SAMPLES.iter().flat_map(|(table, text)| text.lines().map(|line| (*table, parse(line))))
}

/// The samples that Python would write the same way on this machine.
///
/// They were recorded on a machine whose long doubles are the x87's.
fn samples_of_here() -> impl Iterator<Item = (DTypeTable, Sample)> {
    let x87 = cfg!(any(target_arch = "x86", target_arch = "x86_64"));
    samples().filter(move |(_, sample)| x87 || !matches!(sample.dtype, DType::LongDouble | DType::ComplexLongDouble))
}

fn parse(line: &str) -> Sample {
    let [dtype, shape, tag, payload] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let shape = if shape == "-" { vec![] } else { shape.split('x').map(|axis| axis.parse().unwrap()).collect() };
    Sample { dtype: dtype.parse().unwrap(), shape, tag: unhex(tag), payload: unhex(payload) }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

impl Sample {
    /// The elements 0, 1, 2, ... as bytes.
    fn body(&self) -> Vec<u8> {
        (0..self.shape.iter().product()).flat_map(|n| element(self.dtype, n as u8)).collect()
    }
}

fn element(dtype: DType, n: u8) -> Vec<u8> {
    let double = f64::from(n);
    match dtype {
        DType::Bool => vec![n.min(1)],
        DType::I8 | DType::U8 => vec![n],
        DType::I16 | DType::U16 => u16::from(n).to_ne_bytes().to_vec(),
        DType::I32 | DType::U32 => u32::from(n).to_ne_bytes().to_vec(),
        DType::I64 | DType::U64 => u64::from(n).to_ne_bytes().to_vec(),
        DType::F16 => f16::from_f32(f32::from(n)).to_ne_bytes().to_vec(),
        DType::F32 => f32::from(n).to_ne_bytes().to_vec(),
        DType::F64 => double.to_ne_bytes().to_vec(),
        DType::C64 => [f32::from(n), 0.0].map(f32::to_ne_bytes).concat(),
        DType::C128 => [double, 0.0].map(f64::to_ne_bytes).concat(),
        DType::LongDouble => LongDouble::from(double).to_bytes().to_vec(),
        DType::ComplexLongDouble => ComplexLongDouble::from(Complex::new(double, 0.0)).to_bytes().to_vec(),
        other => panic!("the package has no {other}"),
    }
}

#[test]
fn there_is_one_of_each_dtype() {
    for table in DTypeTable::ALL {
        let recorded: Vec<_> = samples().filter(|(t, sample)| t == table && sample.shape == [2, 3]).collect();
        let dtypes: Vec<_> = recorded.iter().map(|(_, sample)| sample.dtype).collect();
        assert_eq!(dtypes, table.dtypes());
    }
}

/// Whatever list the reader expects: the length tells.
#[test]
fn they_are_read() {
    for (_, sample) in samples_of_here() {
        for expected in DTypeTable::ALL {
            let dir = TestDir::new();
            fs::write(dir.path().join(NAME), &sample.tag).unwrap();
            let payload_name = String::from_utf8(sample.tag.clone()).unwrap();
            fs::write(dir.path().join(&payload_name), &sample.payload).unwrap();

            let mut reader = dir.options().dtypes(*expected).open(NAME).unwrap();
            assert_eq!(reader.payload_name(), None);
            let array = reader.read().unwrap().unwrap();
            assert_eq!(
                (array.dtype(), array.shape(), array.as_bytes()),
                (sample.dtype, &*sample.shape, &*sample.body())
            );
            assert_eq!(reader.payload_name(), Some(payload_name));
            assert!(reader.is_valid());
            assert!(reader.read().unwrap().is_none(), "nothing newer");
            let stamp = f64::from_ne_bytes(sample.payload[..8].try_into().unwrap());
            assert!(stamp > 0.0, "{stamp}");
        }
    }
}

#[test]
fn the_same_bytes_are_written() {
    for (table, sample) in samples_of_here() {
        let dir = TestDir::new();
        let mut writer = dir.options().dtypes(table).create_any(NAME).unwrap();
        writer.write_bytes(sample.dtype, &sample.shape, &sample.body()).unwrap();

        let tag = fs::read(dir.path().join(NAME)).unwrap();
        assert_eq!(tag.len(), sample.tag.len());
        assert_eq!(tag[..=NAME.len()], sample.tag[..=NAME.len()]);
        assert_eq!(writer.payload_name().unwrap().as_bytes(), tag);
        let payload = fs::read(dir.path().join(writer.payload_name().unwrap())).unwrap();
        assert_eq!(payload.len(), sample.payload.len());
        let end = payload.len() - 8;
        // All but the stamps.
        assert_eq!(payload[8..end], sample.payload[8..end]);
        assert_eq!(payload[..8], payload[end..]);
    }
}

/// One value with elements tells the version of the list.
///
/// Afterwards it is known for empty arrays too.
#[test]
fn the_list_of_dtypes_is_learned() {
    let dir = TestDir::new();
    let mut writer = dir.options().dtypes(DTypeTable::V1_1_1).create_any(NAME).unwrap();
    let mut reader = {
        writer.write_bytes(DType::C128, &[0], &[]).unwrap();
        dir.options().open(NAME).unwrap()
    };
    assert_eq!(reader.read().unwrap().unwrap().dtype(), DType::Bool, "number 13 of the newer list");
    writer.write_bytes(DType::C64, &[1], &[0; 8]).unwrap();
    assert_eq!(reader.read().unwrap().unwrap().dtype(), DType::C64);
    writer.write_bytes(DType::C128, &[0], &[]).unwrap();
    assert_eq!(reader.read().unwrap().unwrap().dtype(), DType::C128);
}
