//! A typed writer, for one terminal; the example `reader` goes into another. Either may be started first.
//!
//! ```text
//! cargo run --example writer
//! cargo run --example reader
//! ```
#![allow(clippy::print_stdout, reason = "an example for the terminal shows its results there")]

use std::{thread, time::Duration};

use ndsharray::{Result, Writer};

fn main() -> Result<()> {
    let mut writer = Writer::<f32>::create("example")?;
    for step in 0..40_u8 {
        // A value of another shape needs no preparation, neither here nor in the readers.
        let shape: &[usize] = if step < 20 { &[3, 4] } else { &[2, 3, 4] };
        let data = vec![f32::from(step); shape.iter().product()];

        let seq = writer.write(shape, &data)?;
        println!("{seq}: {shape:?} full of {step}");
        thread::sleep(Duration::from_millis(250));
    }
    // Dropping the writer closes the channel, which the readers are told, and removes its files.
    Ok(())
}
