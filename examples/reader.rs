//! A typed reader, for one terminal; the example `writer` goes into another. Either may be started first.
//!
//! ```text
//! cargo run --example writer
//! cargo run --example reader
//! ```
#![allow(clippy::print_stdout, reason = "an example for the terminal shows its results there")]

use std::time::Duration;

use ndsharray::{Error, Reader, Result};

fn main() -> Result<()> {
    let mut reader = Reader::open_timeout("example", Duration::from_secs(60))?;
    loop {
        match reader.wait(Duration::from_secs(5)) {
            Ok(Some(sample)) => {
                // No copy: the view shows the writer's memory, which stays as it is until the sample is dropped.
                let view = sample.view::<f32>()?;
                let sum: f32 = view.iter().sum();
                println!(
                    "{}: {:?}, sum {sum}, {:?} old, {} missed",
                    sample.seq(),
                    view.shape(),
                    sample.age(),
                    sample.missed()
                );
            }
            Ok(None) => println!("nothing new for five seconds"),
            Err(Error::Closed { .. }) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
