//! Publishing the values of a recording as what they were.

use super::target::{Target, TargetArgs};
use crate::args::Globals;
use crate::array::ArrayRef;
use crate::failure::{Exit, Failure, Result};
use crate::recording::{Elements, Entry};
use ndsharray::AnyWriter;
use ndsharray::raw::{self, Origin};
use uuid::Uuid;

/// Where the values of one channel go.
pub(crate) struct Replay<'a> {
    globals: &'a Globals,
    args: &'a TargetArgs,
    name: String,
    /// Whether the channel and its last value outlive this process.
    persist: bool,
    /// The lineage of numbers that are not those of the recording.
    own: Uuid,
    /// Whether values have such numbers.
    is_own: bool,
    /// The writing end, made for the first value, and the lineage that it was made for.
    to: Option<(Target, Uuid)>,
}

impl<'a> Replay<'a> {
    /// Prepares to publish values in the channel `name`; the first one makes it, or takes it over.
    ///
    /// They keep their numbers, unless they come `repeatedly`, as numbers only grow.
    pub(crate) fn new(
        globals: &'a Globals,
        args: &'a TargetArgs,
        name: String,
        persist: bool,
        repeatedly: bool,
    ) -> Self {
        Self { globals, args, name, persist, own: Uuid::new_v4(), is_own: repeatedly, to: None }
    }

    pub(crate) fn write(&mut self, value: &Entry<'_>) -> Result<()> {
        if self.args.is_python() {
            let Elements::Plain(element) = *value.elements else {
                return Err(Failure::new(Exit::Failure, "Python's channels have no records"));
            };
            let array = ArrayRef::new(element, &value.shape, &value.bytes);
            let (target, _) = match &mut self.to {
                Some(target) => target,
                none => none.insert((Target::create(self.globals, self.args, &self.name, self.persist)?, self.own)),
            };
            return target.write(array, &value.attributes);
        }
        let (writer, number, incarnation) = self.writer(value)?;
        let epoch = value.note.epoch.filter(|_| Some(incarnation) == value.note.incarnation).unwrap_or(1);
        let time = value.note.written().unwrap_or_else(std::time::SystemTime::now);
        let origin = Origin { incarnation, epoch, time };
        match &*value.elements {
            Elements::Plain(element) => {
                raw::write_as(writer, number, &origin, (*element, &value.shape, &value.bytes), &value.attributes)?;
            }
            Elements::Records(record) => {
                let mut loan = writer.loan_records(record, &value.shape)?;
                let room = loan.as_mut_bytes();
                if room.len() != value.bytes.len() {
                    let what = format!("{} bytes for records that take {}", value.bytes.len(), room.len());
                    return Err(Failure::new(Exit::Corrupt, what));
                }
                room.copy_from_slice(&value.bytes);
                raw::publish_as(loan, number, &origin, &value.attributes)?;
            }
        }
        Ok(())
    }

    /// The writer for a value, the value's number, and the lineage that the number belongs to.
    ///
    /// The value keeps its own where these go on. A recorded source that began anew does so here.
    fn writer(&mut self, value: &Entry<'_>) -> Result<(&mut AnyWriter, u64, Uuid)> {
        let options = self.globals.options().persist(self.persist);
        let recorded = value.note.incarnation.zip(value.note.seq.filter(|&seq| seq > 0)).filter(|_| !self.is_own);
        if let Some((incarnation, seq)) = recorded {
            if !matches!(&self.to, Some((_, lineage)) if *lineage == incarnation) {
                // The one before is closed before it is replaced.
                self.to = None;
                let writer = raw::create_import(&options, &self.name, incarnation, seq - 1)?;
                self.to = Some((writer.into(), incarnation));
            }
            // A channel that was there may have come further.
            self.is_own = !matches!(&self.to, Some((Target::Channel(writer), _)) if writer.seq() < seq);
        } else {
            self.is_own = true;
        }
        if self.is_own && !matches!(&self.to, Some((_, lineage)) if *lineage == self.own) {
            self.to = None;
            self.to = Some((raw::create_import(&options, &self.name, self.own, 0)?.into(), self.own));
        }
        match &mut self.to {
            Some((Target::Channel(writer), lineage)) => {
                let number = recorded.filter(|_| !self.is_own).map_or(writer.seq() + 1, |(_, seq)| seq);
                Ok((writer, number, *lineage))
            }
            _ => Err(Failure::new(Exit::Failure, "no channel to write to")),
        }
    }
}
