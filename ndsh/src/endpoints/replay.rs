//! Publishing the values of a recording as what they were.

use super::target::{Target, TargetArgs};
use crate::args::Globals;
use crate::array::ArrayRef;
use crate::failure::Result;
use crate::recording::Note;
use ndsharray::raw::{self, Origin};
use uuid::Uuid;

/// Where a recording's values go.
pub(crate) struct Replay {
    target: Target,
    numbers: Numbers,
}

/// The values' numbers, and the lineage that they belong to.
#[derive(Clone, Copy)]
enum Numbers {
    /// Those of their source.
    Recorded(Uuid),
    /// From 1 on, of a lineage made for this.
    Own(Uuid),
}

impl Replay {
    /// Creates the channel `name` for values with these `notes`, or takes it over.
    ///
    /// They keep their numbers, unless they come `repeatedly`, as numbers only grow. New numbers
    /// they get also where the channel has come further than they begin.
    pub(crate) fn create(
        globals: &Globals,
        args: &TargetArgs,
        name: &str,
        persist: bool,
        notes: &[Note],
        repeatedly: bool,
    ) -> Result<Self> {
        let own = Numbers::Own(Uuid::new_v4());
        if args.is_python() {
            return Ok(Self { target: Target::create(globals, args, name, persist)?, numbers: own });
        }
        let options = globals.options().persist(persist);
        if let Some((incarnation, first)) = recorded_numbers(notes).filter(|_| !repeatedly) {
            let writer = raw::create_import(&options, name, incarnation, first - 1)?;
            if writer.seq() < first {
                return Ok(Self { target: writer.into(), numbers: Numbers::Recorded(incarnation) });
            }
        }
        let Numbers::Own(incarnation) = own else { unreachable!("made above") };
        Ok(Self { target: raw::create_import(&options, name, incarnation, 0)?.into(), numbers: own })
    }

    pub(crate) fn write(&mut self, note: &Note, array: ArrayRef<'_>, attributes: &[u8]) -> Result<()> {
        let Target::Channel(writer) = &mut self.target else { return self.target.write(array, attributes) };
        let Some(time) = note.written() else {
            return self.target.write(array, attributes);
        };
        let (number, incarnation, epoch) = match (self.numbers, note.seq) {
            (Numbers::Recorded(incarnation), Some(seq)) => (seq, incarnation, note.epoch.unwrap_or(1)),
            (Numbers::Recorded(incarnation) | Numbers::Own(incarnation), _) => (writer.seq() + 1, incarnation, 1),
        };
        let origin = Origin { incarnation, epoch, time };
        raw::write_as(writer, number, &origin, (array.dtype, array.shape, array.bytes), attributes)?;
        Ok(())
    }
}

/// The lineage and the first number of values that have growing numbers of one lineage.
fn recorded_numbers(notes: &[Note]) -> Option<(Uuid, u64)> {
    let incarnation = notes.first()?.incarnation?;
    let numbers: Option<Vec<u64>> =
        notes.iter().map(|note| note.seq.filter(|&seq| seq > 0 && note.incarnation == Some(incarnation))).collect();
    let numbers = numbers?;
    let grow = numbers.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    Some((incarnation, *numbers.first()?)).filter(|_| grow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_grow_are_kept() {
        let id = Uuid::from_u128(7);
        let note = |seq, incarnation| Note { time: 0.0, unix_time: 0.0, seq, missed: None, epoch: None, incarnation };
        let notes = |numbers: &[u64]| numbers.iter().map(|&seq| note(Some(seq), Some(id))).collect::<Vec<_>>();
        assert_eq!(recorded_numbers(&notes(&[5, 6, 9])), Some((id, 5)));
        assert_eq!(recorded_numbers(&notes(&[5, 5])), None);
        assert_eq!(recorded_numbers(&notes(&[0, 5])), None);
        assert_eq!(recorded_numbers(&[]), None);
        for other in [note(Some(6), Some(Uuid::from_u128(8))), note(Some(6), None), note(None, Some(id))] {
            assert_eq!(recorded_numbers(&[note(Some(5), Some(id)), other]), None);
        }
    }
}
