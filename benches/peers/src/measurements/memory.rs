//! How much memory do readers bind that hold a large value each?

use std::rc::Rc;

use anyhow::Result;

use super::{OURS, Report, SIZES, Settings, verify};
use crate::contenders::iceoryx2_pubsub::Slices;
use crate::contenders::ndsharray::Ndsharray;
use crate::contenders::{Frames, HoldFrame, PutFrame};
use crate::harness::goal::Goal;
use crate::harness::place::{Place, resident_bytes};
use crate::harness::stats::{Short, Spread};
use crate::harness::table::Table;

const READERS: [usize; 3] = [0, 1, 4];

/// Writes after the readers hold what they hold: enough for every buffer to have had its turn.
const WRITES: usize = 50;

pub(super) fn run(_settings: &Settings) -> Result<Report> {
    let source = verify::noise(SIZES[5]);
    let head = ["contender", "readers", "resident", "in payloads", "payload files", "all files"];
    let mut report = Report::default();
    let mut table = Table::new(format!("Memory while each reader holds another value of {} B", source.len()), &head);
    for readers in READERS {
        let found = [resident::<Ndsharray>(&source, readers)?, resident::<Slices>(&source, readers)?];
        for each in found {
            table.row(vec![
                each.name.into(),
                readers.to_string(),
                format!("{:.1} MB", each.bytes as f64 / 1e6),
                Short(each.bytes as f64 / source.len() as f64).to_string(),
                each.payload_files.to_string(),
                each.files.to_string(),
            ]);
            if each.name == OURS {
                let files = Spread::of(&[each.payload_files as f64]);
                let what = format!("payload files resident with {readers} readers");
                report.goals.push(Goal::at_most(what, files, (readers + 2) as f64, |x| format!("{x}")));
            }
        }
    }
    report.tables.push(table);
    Ok(report)
}

struct Resident {
    name: &'static str,
    bytes: u64,
    /// Files that are no mere bookkeeping: at least half a payload is resident in them. A rival
    /// that keeps all its payloads in one file has one.
    payload_files: usize,
    files: usize,
}

fn resident<C>(source: &Rc<Vec<u8>>, readers: usize) -> Result<Resident>
where
    C: Frames<Reader: HoldFrame>,
{
    let place = Place::fresh()?;
    let frame = C::Writer::frame(source)?;
    let mut writer = C::writer(&place, source.len(), readers)?;
    writer.put_frame(&frame)?;
    let mut ends = (0..readers).map(|_| C::reader(&place)).collect::<Result<Vec<_>>>()?;
    let mut held = Vec::new();
    for reader in &mut ends {
        // Each holds a value of its own.
        writer.put_frame(&frame)?;
        held.push(reader.hold()?);
    }
    for _ in 0..WRITES {
        writer.put_frame(&frame)?;
    }
    let mut found = Resident { name: C::NAME, bytes: 0, payload_files: 0, files: 0 };
    for file in place.files()? {
        let bytes = resident_bytes(&file)?;
        found.bytes += bytes;
        found.payload_files += usize::from(bytes >= source.len() as u64 / 2);
        found.files += 1;
    }
    drop(held);
    Ok(found)
}
