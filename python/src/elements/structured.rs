//! Records and NumPy's structured dtypes, both ways.
//!
//! A dtype object of Python may say anything: its offsets may lie, its nested dtypes go on without
//! an end. What is taken from it is checked by [`RecordType`], as all descriptions are.

use crate::elements::plain::{self, Refused};
use crate::fork::own::unpoisoned;
use ndsharray::{Field, FieldType, RecordError, RecordType};
use numpy::npyffi::PyDataType_FIELDS;
use numpy::{PyArrayDescr, PyArrayDescrMethods};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use std::sync::Mutex;

/// The most levels that are looked at, which is more than a record can have.
const LEVELS: usize = 32;

/// The most fields that are looked at, which is as many as a record can have.
///
/// A dtype may name another one again and again, so that its fields multiply with each level.
const FIELDS: usize = 1024;

/// A structured dtype, in this machine's byte order.
pub(super) struct Structured {
    pub(super) record: RecordType,
    /// Whether all numbers of the dtype are in that order already.
    pub(super) native: bool,
}

/// A dtype that has been read, so that it need not be read with each value.
struct Known {
    descr: Py<PyArrayDescr>,
    /// Its names. Where a program renames the fields, the dtype stays, and has other ones.
    names: Py<PyAny>,
    /// Its fields by name, NumPy's own dictionary. A pickle's state replaces it.
    fields: Py<PyAny>,
    record: RecordType,
    native: bool,
}

/// The last dtypes that were read, of those without nested ones: these could change unseen.
///
/// Locked for moments, under the interpreter lock, in which nothing is freed.
static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());

/// As many dtypes are known.
const MOST_KNOWN: usize = 8;

/// Reads the fields of a structured dtype. Titles are ignored.
pub(super) fn read(descr: &Bound<'_, PyArrayDescr>) -> Result<Structured, Refused> {
    let (names, fields) = (descr.getattr("names")?, dictionary(descr));
    let is_it = |known: &&Known| {
        // A pickle's state can replace all of a dtype, and its size with that.
        known.descr.is(descr)
            && known.names.is(&names)
            && known.fields.is(&fields)
            && known.record.item_size() == descr.itemsize()
    };
    if let Some(known) = unpoisoned(&KNOWN).iter().find(is_it) {
        return Ok(Structured { record: known.record.clone(), native: known.native });
    }
    let found = Walk { fields: 0 }.record(descr, 1)?;
    if !found.record.fields().iter().any(|field| matches!(field.kind(), FieldType::Record(_))) {
        let (descr, names, fields) = (descr.clone().unbind(), names.unbind(), fields.unbind());
        let known = Known { descr, names, fields, record: found.record.clone(), native: found.native };
        let dropped = {
            let mut all = unpoisoned(&KNOWN);
            all.insert(0, known);
            if all.len() > MOST_KNOWN { all.pop() } else { None }
        };
        drop(dropped);
    }
    Ok(found)
}

/// The fields of a structured dtype by name, as NumPy keeps them.
fn dictionary<'py>(descr: &Bound<'py, PyArrayDescr>) -> Bound<'py, PyAny> {
    let py = descr.py();
    // SAFETY: a dtype, alive while borrowed.
    let fields = unsafe { PyDataType_FIELDS(py, descr.as_dtype_ptr()) };
    // SAFETY: a borrowed reference, or null for a dtype without fields.
    let fields = unsafe { Bound::from_borrowed_ptr_or_opt(py, fields) };
    fields.unwrap_or_else(|| py.None().into_bound(py))
}

struct Walk {
    /// Fields so far.
    fields: usize,
}

impl Walk {
    fn record(&mut self, descr: &Bound<'_, PyArrayDescr>, level: usize) -> Result<Structured, Refused> {
        if level > LEVELS {
            return Err(RecordError::TooDeep.into());
        }
        let names = descr.getattr("names")?.cast_into::<PyTuple>().map_err(PyErr::from)?;
        let known = descr.getattr("fields")?;
        let (mut fields, mut native) = (Vec::new(), true);
        for name in names.iter() {
            if self.fields == FIELDS {
                return Err(RecordError::TooManyFields.into());
            }
            self.fields += 1;
            // With a title there is a third item.
            let entry = known.get_item(&name)?;
            let inner = entry.get_item(0)?.cast_into::<PyArrayDescr>().map_err(PyErr::from)?;
            let Ok(offset) = entry.get_item(1)?.extract::<usize>() else {
                return Err(Refused::Because(format!("field {} begins before its record", name.repr()?)));
            };
            let Ok(text) = name.extract::<String>() else {
                return Err(Refused::Because(format!("the name {} has no UTF-8", name.repr()?)));
            };
            let (shape, inner) = unfold(inner);
            let (kind, is_native) = self.kind(&inner, level).map_err(|refused| refused.within(&text))?;
            native &= is_native;
            fields.push(Field::new(text, offset, kind).with_shape(&shape));
        }
        Ok(Structured { record: RecordType::new(descr.itemsize(), fields)?, native })
    }

    /// What a field holds, and whether its numbers are in this machine's byte order.
    fn kind(&mut self, descr: &Bound<'_, PyArrayDescr>, level: usize) -> Result<(FieldType, bool), Refused> {
        if descr.has_fields() {
            let Structured { record, native } = self.record(descr, level + 1)?;
            return Ok((record.into(), native));
        }
        Ok((plain::element(descr)?.into(), descr.is_native_byteorder() != Some(false)))
    }
}

/// Returns the axes of sub-arrays within each other, and what they hold.
fn unfold(mut descr: Bound<'_, PyArrayDescr>) -> (Vec<usize>, Bound<'_, PyArrayDescr>) {
    let mut shape = Vec::new();
    // An array has at most so many axes, and so has a field.
    while descr.has_subarray() && shape.len() <= ndsharray::MAX_NDIM {
        shape.extend(descr.shape());
        descr = descr.base();
    }
    (shape, descr)
}

/// Makes the structured dtype of records, with their fields in order.
pub(super) fn to_numpy<'py>(py: Python<'py>, record: &RecordType) -> PyResult<Bound<'py, PyArrayDescr>> {
    let (names, formats, offsets) = (PyList::empty(py), PyList::empty(py), PyList::empty(py));
    for field in record.fields() {
        let kind = match field.kind() {
            FieldType::Record(inner) => to_numpy(py, inner)?,
            FieldType::Element(element) => plain::of_element(py, *element)?,
            _ => return Err(pyo3::exceptions::PyTypeError::new_err("a field of a kind that is not known here")),
        };
        names.append(field.name())?;
        match field.shape() {
            [] => formats.append(kind)?,
            shape => formats.append((kind, PyTuple::new(py, shape)?))?,
        }
        offsets.append(field.offset())?;
    }
    let described = PyDict::new(py);
    described.set_item("names", names)?;
    described.set_item("formats", formats)?;
    described.set_item("offsets", offsets)?;
    described.set_item("itemsize", record.item_size())?;
    PyArrayDescr::new(py, described)
}
