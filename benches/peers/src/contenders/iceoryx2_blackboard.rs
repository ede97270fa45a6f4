//! iceoryx2's blackboard: the latest value of each key, copied out by every reader.

use anyhow::Result;
use iceoryx2::port::reader::{BlackboardValue, EntryHandle};
use iceoryx2::port::writer::EntryHandleMut;
use iceoryx2::prelude::*;

use super::iceoryx2_pubsub::node;
use super::value::{Value, value};
use super::{Latest, Put, Take, Values};
use crate::harness::place::Place;

type Ipc = ipc::Service;

const KEY: u64 = 0;

/// Room for the readers of most measurements.
const MAX_READERS: usize = 8;

pub(crate) struct Blackboard;

pub(crate) struct Writer {
    entry: EntryHandleMut<Ipc, u64, Value>,
}

pub(crate) struct Reader {
    entry: EntryHandle<Ipc, u64, Value>,
    seen: Option<BlackboardValue<Value>>,
}

impl Values for Blackboard {
    const NAME: &'static str = "iceoryx2, blackboard";
    type Writer = Writer;
    type Reader = Reader;

    fn writer(place: &Place) -> Result<Writer> {
        Self::crowd_writer(place, MAX_READERS)
    }

    fn crowd_writer(place: &Place, readers: usize) -> Result<Writer> {
        let service = node(place)?
            .service_builder(&"value".try_into()?)
            .blackboard_creator::<u64>()
            .max_readers(readers)
            .max_nodes(readers + 1)
            .add::<Value>(KEY, value(0))
            .create()?;
        Ok(Writer { entry: service.writer_builder().create()?.entry::<Value>(&KEY)? })
    }

    fn reader(place: &Place) -> Result<Reader> {
        let service = node(place)?.service_builder(&"value".try_into()?).blackboard_opener::<u64>().open()?;
        Ok(Reader { entry: service.reader_builder().create()?.entry::<Value>(&KEY)?, seen: None })
    }
}

impl Put for Writer {
    #[inline]
    fn put(&mut self, value: &Value) -> Result<()> {
        self.entry.update_with_copy(*value);
        Ok(())
    }
}

impl Take for Reader {
    #[inline]
    fn take<R>(&mut self, look: impl FnOnce(&Value) -> R) -> Result<Option<R>> {
        if !self.poll()? {
            return Ok(None);
        }
        let value = self.entry.get();
        Ok(Some(look(self.seen.insert(value))))
    }

    #[inline]
    fn poll(&mut self) -> Result<bool> {
        Ok(!self.seen.as_ref().is_some_and(|seen| self.entry.is_up_to_date(seen)))
    }
}

impl Latest for Reader {
    #[inline]
    fn latest<R>(&mut self, look: impl FnOnce(&Value) -> R) -> Result<R> {
        Ok(look(&self.entry.get()))
    }
}
