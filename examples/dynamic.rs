//! A consumer that does not know what will come: it matches on the enum of views and describes
//! arrays of every dtype.
//!
//! ```text
//! cargo run --example dynamic -- NAME      # watches a channel until it is closed
//! cargo run --example dynamic -- --demo    # watches a writer of its own, of changing dtype
//! ```
#![allow(clippy::print_stdout, reason = "an example for the terminal shows its results there")]

use std::{process, thread, time::Duration};

use ndsharray::{AnyArrayView, ArrayView, Complex, Error, LongDouble, Reader, ShElement, Writer};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [option] if option == "--demo" => {
            let name = format!("dynamic-{}", process::id());
            let writer = Writer::create(&name)?;
            let writer = thread::spawn(|| demonstrate(writer));
            watch(&name)?;
            writer.join().unwrap_or_else(|_| Err("the writer panicked".into()))
        }
        [name] if !name.starts_with('-') => watch(name),
        _ => Err("usage: dynamic NAME, or dynamic --demo".into()),
    }
}

fn watch(name: &str) -> Result<()> {
    let mut reader = Reader::open_timeout(name, Duration::from_secs(10))?;
    loop {
        let Some(sample) = (match reader.wait(Duration::from_secs(1)) {
            Err(Error::Closed { .. }) => return Ok(()),
            other => other?,
        }) else {
            continue;
        };
        let statistics = match statistics(&sample.any_view()?) {
            Some(Statistics { min, max, mean }) => format!("min {min}, max {max}, mean {mean}"),
            None => "no elements".to_owned(),
        };
        println!("{}: {} {:?}, {statistics}", sample.seq(), sample.dtype(), sample.shape());
    }
}

/// Of an array as `f64`, which rounds the largest 64-bit integers. Complex numbers have no order:
/// these are of their absolute values.
struct Statistics {
    min: f64,
    max: f64,
    mean: f64,
}

/// `None` for an array without elements.
fn statistics(view: &AnyArrayView<'_>) -> Option<Statistics> {
    match view {
        AnyArrayView::Bool(view) => over(view, |value| f64::from(u8::from(value))),
        AnyArrayView::I8(view) => over(view, f64::from),
        AnyArrayView::I16(view) => over(view, f64::from),
        AnyArrayView::I32(view) => over(view, f64::from),
        AnyArrayView::I64(view) => over(view, |value| value as f64),
        AnyArrayView::U8(view) => over(view, f64::from),
        AnyArrayView::U16(view) => over(view, f64::from),
        AnyArrayView::U32(view) => over(view, f64::from),
        AnyArrayView::U64(view) => over(view, |value| value as f64),
        AnyArrayView::F16(view) => over(view, f64::from),
        AnyArrayView::BF16(view) => over(view, f64::from),
        AnyArrayView::F32(view) => over(view, f64::from),
        AnyArrayView::F64(view) => over(view, |value| value),
        AnyArrayView::C64(view) => over(view, |value| f64::from(value.norm())),
        AnyArrayView::C128(view) => over(view, Complex::norm),
        AnyArrayView::LongDouble(view) => over(view, LongDouble::to_f64),
        AnyArrayView::ComplexLongDouble(view) => over(view, |value| value.to_complex_f64().norm()),
        // A dtype that came with a newer version of the library.
        _ => None,
    }
}

fn over<T: ShElement>(view: &ArrayView<'_, T>, value: impl Fn(T) -> f64) -> Option<Statistics> {
    let mut values = view.iter().copied().map(value);
    let first = values.next()?;
    let (min, max, sum) =
        values.fold((first, first, first), |(min, max, sum), value| (value.min(min), value.max(max), sum + value));
    Some(Statistics { min, max, mean: sum / view.len() as f64 })
}

/// A typed writer that becomes one of another type after each write. The channel and its readers
/// stay the same.
fn demonstrate(mut bytes: Writer<u8>) -> Result<()> {
    let pause = || thread::sleep(Duration::from_millis(100));
    for step in 0..5_u8 {
        bytes.write(&[4, 6, 3], &[step; 72])?;
        pause();

        let mut floats = bytes.into_dtype::<f32>();
        floats.write(&[3, 2], &[0.5, 1.0, 1.5, 2.0, 2.5, f32::from(step)])?;
        pause();

        let mut flags = floats.into_dtype::<bool>();
        flags.write(&[4], &[true, false, true, true])?;
        pause();

        let mut numbers = flags.into_dtype::<i64>();
        numbers.write(&[], &[-i64::from(step)])?;
        pause();

        let mut nothing = numbers.into_dtype::<f64>();
        nothing.write(&[0, 5], &[])?;
        pause();

        bytes = nothing.into_dtype();
    }
    Ok(())
}
