//! A typed reader, for one terminal; the example `writer` goes into another. Either may start
//! first.
//!
//! ```text
//! cargo run --example writer
//! cargo run --example reader
//! ```
//!
//! What follows stands in README.md as it is.
#![allow(clippy::print_stdout, reason = "an example for the terminal shows its results there")]
#![allow(clippy::indexing_slicing, reason = "the other program writes this shape")]

use std::time::Duration;

use ndsharray::{Reader, Result};

fn main() -> Result<()> {
    let mut reader = Reader::open_timeout("lidar", Duration::from_secs(60))?;
    while let Some(sample) = reader.wait(Duration::from_secs(10))? {
        let scan = sample.view::<f32>()?; // the writer's memory, not a copy
        println!("value {} of shape {:?}: {}", sample.seq(), scan.shape(), scan[[1, 2]]);
    }
    Ok(())
}
