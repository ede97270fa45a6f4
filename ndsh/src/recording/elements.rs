//! What the elements of a recorded value are, as a schema in JSON.

use crate::array::ArrayRef;
use crate::failure::Result;
use crate::files::{bad_file, npy};
use ndsharray::{ElementType, Field, FieldType, RecordType};
use serde::{Deserialize, Serialize};

/// What the elements of a value are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Elements {
    Plain(ElementType),
    Records(RecordType),
}

impl Elements {
    /// Bytes of one element.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Plain(element) => element.size(),
            Self::Records(record) => record.item_size(),
        }
    }

    /// An array of them.
    pub(crate) fn array<'a>(&'a self, shape: &'a [usize], bytes: &'a [u8]) -> Result<ArrayRef<'a>> {
        Ok(match self {
            Self::Plain(element) => ArrayRef::new(*element, shape, bytes),
            Self::Records(record) => ArrayRef::new(npy::of_record(record)?, shape, bytes).of(Some(record)),
        })
    }

    /// What the elements of an array are.
    pub(crate) fn of(element: ElementType, record: Option<RecordType>) -> Self {
        record.map_or(Self::Plain(element), Self::Records)
    }

    /// The name of their type: `float32`, `datetime64[ms]`, `U5`, `record`.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Plain(element) => element.to_string(),
            Self::Records(_) => RECORD.to_owned(),
        }
    }

    /// The value of `descr` in the header of an `.npy` file.
    pub(crate) fn descr(&self) -> String {
        match self {
            // Type strings have no quotes within.
            Self::Plain(element) => format!("'{}'", element.to_npy_descr()),
            Self::Records(record) => record.to_npy_descr(),
        }
    }

    /// The schema, from which [`from_json`](Self::from_json) makes the same elements again.
    pub(super) fn to_json(&self) -> Result<Vec<u8>> {
        let (dtype, descr, byte_order) = (self.name(), self.descr(), ByteOrder::NATIVE);
        let record = match self {
            Self::Plain(_) => None,
            Self::Records(record) => Some(RecordSchema::of(record)?),
        };
        Ok(serde_json::to_vec(&Schema { dtype, descr, byte_order, record })?)
    }

    /// Reads a schema, which may be damaged or of another machine.
    pub(super) fn from_json(json: &[u8]) -> Result<Self> {
        let schema: Schema = serde_json::from_slice(json).map_err(|error| bad_schema(error.to_string()))?;
        if schema.byte_order != ByteOrder::NATIVE {
            return Err(bad_schema("its values have the byte order of another kind of machine"));
        }
        match schema.record {
            Some(record) if schema.dtype == RECORD => Ok(Self::Records(record.into_record()?)),
            Some(_) => Err(bad_schema(format!("{} has no fields", schema.dtype))),
            None => Ok(Self::Plain(plain(&schema.dtype)?)),
        }
    }
}

/// The name of records.
const RECORD: &str = "record";

/// The content of a schema.
#[derive(Serialize, Deserialize)]
struct Schema {
    dtype: String,
    /// For other programs.
    descr: String,
    byte_order: ByteOrder,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    record: Option<RecordSchema>,
}

#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    const NATIVE: Self = if cfg!(target_endian = "little") { Self::Little } else { Self::Big };
}

#[derive(Serialize, Deserialize)]
struct RecordSchema {
    /// Bytes of a record.
    item_size: usize,
    fields: Vec<FieldSchema>,
}

#[derive(Serialize, Deserialize)]
struct FieldSchema {
    name: String,
    offset: usize,
    dtype: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shape: Vec<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<RecordSchema>,
}

impl RecordSchema {
    fn of(record: &RecordType) -> Result<Self> {
        let field = |field: &Field| {
            let (dtype, record) = match field.kind() {
                FieldType::Element(element) => (element.to_string(), None),
                FieldType::Record(record) => (RECORD.to_owned(), Some(Self::of(record)?)),
                other => return Err(bad_schema(format!("fields of {other:?} are not known"))),
            };
            let (name, offset, shape) = (field.name().to_owned(), field.offset(), field.shape().to_vec());
            Ok(FieldSchema { name, offset, dtype, shape, record })
        };
        Ok(Self { item_size: record.item_size(), fields: record.fields().iter().map(field).collect::<Result<_>>()? })
    }

    fn into_record(self) -> Result<RecordType> {
        let field = |field: FieldSchema| {
            let kind: FieldType = match field.record {
                Some(record) => record.into_record()?.into(),
                None => plain(&field.dtype)?.into(),
            };
            Ok(Field::new(field.name, field.offset, kind).with_shape(&field.shape))
        };
        let fields: Vec<Field> = self.fields.into_iter().map(field).collect::<Result<_>>()?;
        RecordType::new(self.item_size, fields).map_err(|error| bad_schema(error.to_string()))
    }
}

fn plain(name: &str) -> Result<ElementType> {
    name.parse().map_err(|error: ndsharray::ElementTypeError| bad_schema(error.to_string()))
}

fn bad_schema(what: impl Into<String>) -> crate::failure::Failure {
    bad_file("recording's schema", what.into())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ndsharray::{DType, TimeUnit};

    /// Elements of every kind.
    pub(in super::super) fn all() -> Vec<Elements> {
        let plain = DType::ALL.iter().filter(|dtype| **dtype < DType::Bytes).map(|&dtype| dtype.into());
        let times = ["Y", "25s", "generic"].map(|unit| ElementType::timedelta64(unit.parse().unwrap()));
        let wide = [ElementType::bytes(7), ElementType::text(3), ElementType::void(5)].map(std::result::Result::unwrap);
        let inner =
            RecordType::packed([("at", ElementType::datetime64(TimeUnit::MILLISECOND)), ("t", wide[1])]).unwrap();
        let fields = [
            Field::new("x", 0, DType::F32),
            Field::new("rgb", 4, DType::U8).with_shape(&[3]),
            Field::new("größe", 8, DType::F8E4M3FN),
            Field::new("in", 16, inner).with_shape(&[2]),
        ];
        let records = RecordType::new(64, fields).unwrap();
        plain.chain(times).chain(wide).map(Elements::Plain).chain([Elements::Records(records)]).collect()
    }

    #[test]
    fn schemas_come_back() {
        for elements in all() {
            let json = elements.to_json().unwrap();
            assert_eq!(Elements::from_json(&json).unwrap(), elements, "{}", String::from_utf8_lossy(&json));
        }
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        for json in [
            "",
            "{}",
            r#"{"dtype": "float33", "descr": "", "byte_order": "little"}"#,
            r#"{"dtype": "float32", "descr": "", "byte_order": "middle"}"#,
            r#"{"dtype": "float32", "descr": "", "byte_order": "little", "item_size": 4, "fields": []}"#,
            r#"{"dtype": "record", "descr": "", "byte_order": "little"}"#,
            r#"{"dtype": "record", "descr": "", "byte_order": "little", "item_size": 1,
               "fields": [{"name": "x", "offset": 1, "dtype": "uint8"}]}"#,
        ] {
            let json = json.replace("little", if cfg!(target_endian = "little") { "little" } else { "big" });
            assert!(Elements::from_json(json.as_bytes()).is_err(), "{json}");
        }
    }
}
