//! A typed writer, for one terminal; the example `reader` goes into another. Either may start
//! first.
//!
//! ```text
//! cargo run --example writer
//! cargo run --example reader
//! ```
//!
//! What follows stands in README.md as it is.

use std::{thread, time::Duration};

use ndsharray::{Result, Writer};

fn main() -> Result<()> {
    let mut writer = Writer::<f32>::create("lidar")?;
    let mut scan = [0.0; 6];
    loop {
        writer.write(&[2, 3], &scan)?;
        scan = scan.map(|distance| distance + 0.5);
        thread::sleep(Duration::from_millis(100));
    }
}
