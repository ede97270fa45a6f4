//! What the tests share: a channel of one's own, and recognisable values.

pub(crate) use crate::common::{NAME, TIMEOUT, TestDir, os, pattern, wait_until};
use ndsharray::{
    AnyWriter, Complex, ComplexLongDouble, DType, DateTime64, F8E4M3FN, F8E5M2, F8E8M0FNU, FixedBytes, FixedText,
    LongDouble, OwnedSample, Reader, ShElement, TimeDelta64, Void, bf16, f16,
};
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

impl TestDir {
    pub(crate) fn writer<T: ShElement>(&self) -> ndsharray::Writer<T> {
        self.options().create(NAME).unwrap()
    }

    pub(crate) fn any_writer(&self) -> AnyWriter {
        self.options().create_any(NAME).unwrap()
    }

    pub(crate) fn reader(&self) -> Reader {
        self.options().open(NAME).unwrap()
    }

    pub(crate) fn table(&self) -> PathBuf {
        self.path().join(format!("{NAME}.ndsh-readers"))
    }

    /// The names of payload files.
    pub(crate) fn payloads(&self) -> Vec<String> {
        let mut names = self.files();
        names.retain(|name| name.contains(".ndsh-") && !name.ends_with("-readers"));
        names
    }

    /// A channel without a writer whose last value is [`KEPT`].
    pub(crate) fn keep_value(&self) {
        self.options().max_slots(4).persist(true).create(NAME).unwrap().write(&[3], &KEPT).unwrap();
    }

    /// Asserts that a fresh reader finds [`KEPT`].
    pub(crate) fn assert_kept(&self) {
        assert_eq!(latest_vec::<i32>(&mut self.reader()), KEPT);
    }
}

/// Plays exchanges, each of which needs two wake-ups, until a batch of them has lost few.
///
/// A wait whose wake-up is lost lasts until its reader looks by itself, a tenth of a second later.
/// A busy machine may take as long now and then, but not for most of each batch.
pub(crate) fn assert_few_wakes_are_lost(mut exchange: impl FnMut(u32)) {
    const BATCH: u32 = 300;
    const AS_IF_LOST: Duration = Duration::from_millis(80);
    let mut numbers = 0..;
    let end = Instant::now() + TIMEOUT;
    loop {
        let slow = numbers.by_ref().take(BATCH as usize).filter(|number| {
            let begin = Instant::now();
            exchange(*number);
            begin.elapsed() >= AS_IF_LOST
        });
        let slow = slow.count() as u32;
        if slow < BATCH / 3 {
            return;
        }
        assert!(Instant::now() < end, "{slow} of {BATCH} exchanges were slow");
    }
}

/// What [`TestDir::keep_value`] leaves.
pub(crate) const KEPT: [i32; 3] = [10, -20, 30];

/// The elements of the current value.
pub(crate) fn latest_vec<T: ShElement>(reader: &mut Reader) -> Vec<T> {
    reader.latest().unwrap().expect("a value").view::<T>().unwrap().to_vec()
}

/// An element type with a different value for each small number.
pub(crate) trait Numbered: ShElement + PartialEq + Debug {
    fn numbered(n: u16) -> Self;
}

macro_rules! numbered {
    ($($ty:ty: $n:ident => $value:expr;)*) => {
        $(impl Numbered for $ty {
            fn numbered($n: u16) -> Self {
                $value
            }
        })*
    };
}

numbered! {
    bool: n => n.is_multiple_of(3);
    i8: n => n as i8;
    i16: n => n.cast_signed();
    i32: n => i32::from(n) * -30_000;
    i64: n => i64::from(n) << 40;
    u8: n => n as u8;
    u16: n => n;
    u32: n => u32::from(n) * 60_000;
    u64: n => u64::from(n) << 45;
    f16: n => f16::from_bits(n & 0x7bff);
    bf16: n => bf16::from_bits(n & 0x7f00);
    f32: n => f32::from(n) / 7.0;
    f64: n => f64::from(n) / -7.0;
    Complex<f32>: n => Complex::new(f32::from(n), -0.5);
    Complex<f64>: n => Complex::new(0.25, f64::from(n));
    LongDouble: n => LongDouble::from(f64::from(n) / 3.0);
    ComplexLongDouble: n => ComplexLongDouble::from(Complex::new(f64::from(n), -1.0));
    DateTime64: n => if n == 5 { DateTime64::NAT } else { DateTime64(i64::from(n) << 40) };
    TimeDelta64: n => TimeDelta64(-i64::from(n));
    F8E4M3FN: n => F8E4M3FN::from_bits(n as u8);
    F8E5M2: n => F8E5M2::from_bits(n as u8);
    F8E8M0FNU: n => F8E8M0FNU::from_bits(n as u8);
    FixedBytes<7>: n => FixedBytes::new(format!("b{n}").as_bytes()).unwrap();
    FixedText<3>: n => FixedText::from([u32::from(n), 0x1f980, 0xffff_ffff]);
    Void<13>: n => Void::from([n as u8; 13]);
}

pub(crate) fn numbered_vec<T: Numbered>(len: usize) -> Vec<T> {
    (0..len).map(|n| T::numbered(n as u16)).collect()
}

/// Makes a test of a generic function for each of the element types.
macro_rules! for_all_types {
    ($function:ident) => {
        #[test]
        fn bool() {
            $function::<bool>();
        }
        crate::channel::support::for_all_types!(@ $function, i8 i16 i32 i64 u8 u16 u32 u64 f32 f64);
        crate::channel::support::for_all_types!(@as $function, f16: ndsharray::f16, bf16: ndsharray::bf16,
            complex64: ndsharray::Complex<f32>, complex128: ndsharray::Complex<f64>,
            longdouble: ndsharray::LongDouble, clongdouble: ndsharray::ComplexLongDouble,
            datetime64: ndsharray::DateTime64, timedelta64: ndsharray::TimeDelta64,
            float8_e4m3fn: ndsharray::F8E4M3FN, float8_e5m2: ndsharray::F8E5M2,
            float8_e8m0fnu: ndsharray::F8E8M0FNU, bytes: ndsharray::FixedBytes<7>,
            text: ndsharray::FixedText<3>, void: ndsharray::Void<13>);
    };
    (@ $function:ident, $($ty:ident)*) => { $(#[test] fn $ty() { $function::<$ty>(); })* };
    (@as $function:ident, $($name:ident: $ty:ty),*) => { $(#[test] fn $name() { $function::<$ty>(); })* };
}
pub(crate) use for_all_types;

/// Shapes that are worth trying with every dtype.
pub(crate) fn shapes() -> Vec<Vec<usize>> {
    let mut many = vec![1; 64];
    many[0] = 2;
    many[31] = 3;
    many[63] = 5;
    vec![vec![], vec![0], vec![3, 0, 5], vec![1], vec![7], vec![5, 3], vec![2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 3], many]
}

/// Mappings of this process that stand under `dir`; `None` where the system does not tell.
pub(crate) fn mappings_in(dir: &Path) -> Option<usize> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    Some(maps.lines().filter(|line| line.contains(dir.to_str().unwrap())).count())
}

/// Descriptors of this process that stand under `dir`; `None` where the system does not tell.
pub(crate) fn descriptors_in(dir: &Path) -> Option<usize> {
    let links = fs::read_dir("/proc/self/fd").ok()?.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    Some(links.filter(|target| target.starts_with(dir)).count())
}

pub(crate) fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    os::write_all_at(&fs::OpenOptions::new().write(true).open(path).unwrap(), bytes, at).unwrap();
}

pub(crate) fn peek(path: &Path, at: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    os::read_exact_at(&fs::File::open(path).unwrap(), &mut bytes, at).unwrap();
    bytes
}

/// What a held value must keep: everything about it.
#[derive(Debug, PartialEq)]
pub(crate) struct Facts {
    pub(crate) seq: u64,
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl From<&OwnedSample> for Facts {
    fn from(sample: &OwnedSample) -> Self {
        let (dtype, shape) = (sample.dtype(), sample.shape().to_vec());
        Self { seq: sample.seq(), dtype, shape, bytes: sample.as_bytes().to_vec() }
    }
}

/// Ends another thread's loop, also when this one panics.
pub(crate) struct Done<'a>(pub(crate) &'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
