//! The receiving end, in a process of its own: tells how long each frame took to get here.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::ack::Ack;
use crate::contenders::iceoryx2_pubsub::Slices;
use crate::contenders::mmap_sync::Raw;
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::wire::floor::{Futex, Spin};
use crate::contenders::wire::in_order::InOrder;
use crate::contenders::wire::many::{Any, Descriptor, Refused, Set, Task};
use crate::contenders::wire::streams::{Pipe, Socket};
use crate::contenders::wire::{ReceiveFrame, Waiting, Wire};
use crate::harness::child::READY;
use crate::harness::place::Place;
use crate::harness::{clock, cores};

/// The command line of a receiver.
#[derive(clap::Args)]
pub(crate) struct Args {
    contender: String,
    dir: PathBuf,
    size: usize,
    waiting: Waiting,
    #[arg(long)]
    core: Option<usize>,
}

/// Receives as the contender called `args.contender`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let receive = match args.contender.as_str() {
        Spin::NAME => receive::<Spin>,
        Futex::NAME => receive::<Futex>,
        <Ndsharray as Wire>::NAME => receive::<Ndsharray>,
        InOrder::NAME => receive::<InOrder>,
        <Slices as Wire>::NAME => receive::<Slices>,
        <Raw as Wire>::NAME => receive::<Raw>,
        Pipe::NAME => receive::<Pipe>,
        Socket::NAME => receive::<Socket>,
        Any::<1>::NAME => receive::<Any<1>>,
        Any::<16>::NAME => receive::<Any<16>>,
        Any::<100>::NAME => receive::<Any<100>>,
        Refused::NAME => receive::<Refused>,
        Task::NAME => receive::<Task>,
        Descriptor::NAME => receive::<Descriptor>,
        Set::<1>::NAME => receive::<Set<1>>,
        Set::<16>::NAME => receive::<Set<16>>,
        Set::<100>::NAME => receive::<Set<100>>,
        other => bail!("no contender is called {other:?}"),
    };
    receive(args)
}

/// For each line with a count and a time: receives as many frames that were sent after it, and
/// prints what each took, in nanoseconds.
fn receive<C: Wire>(args: &Args) -> Result<()> {
    let _pinned = args.core.map(cores::pin).transpose()?;
    let place = Place::existing(args.dir.clone());
    let mut receiver =
        C::receiver(&place, args.size, args.waiting).with_context(|| format!("{} cannot be opened", C::NAME))?;
    let ack = Ack::open(&place)?;
    println!("{READY}");
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (count, after) = line.split_once(' ').context("not a count and a time")?;
        let (count, mut last): (usize, u64) = (count.parse()?, after.parse()?);
        let mut nanos = Vec::with_capacity(count);
        while nanos.len() < count {
            let sent = receiver.receive()?;
            let now = clock::now();
            if sent <= last {
                // A value that is handed out once more is no news.
                continue;
            }
            last = sent;
            nanos.push(now.saturating_sub(sent));
            ack.give(sent);
        }
        let nanos: Vec<String> = nanos.iter().map(ToString::to_string).collect();
        let mut out = io::stdout().lock();
        writeln!(out, "{}", nanos.join(" "))?;
        out.flush()?;
    }
    Ok(())
}
