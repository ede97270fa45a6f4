//! The reading side, in a process of its own: checks every byte of every frame for a while, twice,
//! and counts.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::contenders::iceoryx2_pubsub::Slices;
use crate::contenders::in_place::InPlace;
use crate::contenders::mmap_sync::Raw;
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::pattern::counter;
use crate::contenders::{Frames, TakeFrame};
use crate::harness::child::READY;
use crate::harness::cores;
use crate::harness::place::Place;

/// The command line of a reader process.
#[derive(clap::Args)]
pub(crate) struct Args {
    contender: String,
    dir: PathBuf,
    millis: u64,
    #[arg(long)]
    core: Option<usize>,
}

/// Reads as the contender called `args.contender`, and prints how many frames it checked and how
/// many of them were torn.
pub(crate) fn run(args: &Args) -> Result<()> {
    let read = match args.contender.as_str() {
        <Ndsharray as Frames>::NAME => read::<Ndsharray>,
        <Raw as Frames>::NAME => read::<Raw>,
        <Slices as Frames>::NAME => read::<Slices>,
        <InPlace as Frames>::NAME => read::<InPlace>,
        other => bail!("no contender is called {other:?}"),
    };
    read(args)
}

fn read<C: Frames>(args: &Args) -> Result<()> {
    let _pinned = args.core.map(cores::pin).transpose()?;
    let place = Place::existing(args.dir.clone());
    let mut reader = C::reader(&place).with_context(|| format!("{} cannot be opened", C::NAME))?;
    println!("{READY}");
    let (mut checked, mut torn) = (0_u64, 0_u64);
    let end = Instant::now() + Duration::from_millis(args.millis);
    while Instant::now() < end {
        // What was whole at first may be overwritten while it is held.
        let found = reader.take_frame(|frame| counter(frame).filter(|&first| counter(frame) == Some(first)))?;
        if let Some(found) = found {
            checked += 1;
            torn += u64::from(found.is_none());
        }
    }
    println!("{checked} {torn}");
    Ok(())
}
