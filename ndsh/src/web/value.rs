//! A copy of a value.

use super::figures;
use crate::array::{Array, ArrayRef, Selection, Statistics, print};
use crate::endpoints::Value;
use crate::failure::{Exit, Failure, Result};
use crate::output::{attributes, printable, size};
use serde::Serialize;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Largest value to show, in bytes. A larger one would be copied for too long.
const LARGEST: usize = 256 << 20;
/// Most elements whose numbers stand below the picture.
const MOST_NUMBERS: usize = 1000;

/// A value, and figures over it once a viewer has wanted them.
pub(super) struct Kept {
    /// Counts the values of a feed, from 1.
    pub(super) number: u64,
    array: Array,
    /// Its description, as JSON.
    pub(super) head: String,
    /// Whether to compute figures: not for each value, if that takes long.
    has_figures: bool,
    figures: OnceLock<(String, Duration)>,
}

/// The description of a value. The page relies on the names.
#[derive(Serialize)]
struct Head {
    dtype: String,
    shape: Vec<usize>,
    bytes: usize,
    seq: Option<u64>,
    age_seconds: Option<f64>,
    attributes: Option<Attributes>,
}

#[derive(Serialize)]
struct Attributes {
    form: &'static str,
    text: String,
    bytes: usize,
}

impl Attributes {
    fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        let (form, text) = match (attributes::to_json(bytes), attributes::as_text(bytes)) {
            (json @ (serde_json::Value::Object(_) | serde_json::Value::Array(_)), _) => ("JSON", format!("{json:#}")),
            (_, Some(text)) => ("text", text.to_owned()),
            (_, None) => ("hex", attributes::to_hex(bytes)),
        };
        Some(Self { form, text, bytes: bytes.len() })
    }
}

impl Kept {
    /// Copies a value. This is all that happens while the value is held.
    pub(super) fn copy(value: &Value<'_>, number: u64, has_figures: bool) -> Result<Self> {
        let len = value.array.bytes.len();
        if len > LARGEST {
            let text = format!(
                "a value of {} is too large for the page, which shows {}",
                size(len as u64),
                size(LARGEST as u64)
            );
            return Err(Failure::new(Exit::Failure, text).advise("`ndsh view NAME --index ..` shows a part of it"));
        }
        let array = value.array.to_array()?;
        let head = Head {
            dtype: printable(&value.array.type_name()).into_owned(),
            shape: array.shape.clone(),
            bytes: len,
            seq: value.seq,
            age_seconds: value.age.map(|age| age.as_secs_f64()),
            attributes: Attributes::of(value.attributes),
        };
        Ok(Self { number, array, head: serde_json::to_string(&head)?, has_figures, figures: OnceLock::new() })
    }

    pub(super) fn array(&self) -> ArrayRef<'_> {
        self.array.view()
    }

    /// Whether two values are alike, element by element.
    pub(super) fn is_like(&self, array: ArrayRef<'_>) -> bool {
        self.array() == array
    }

    /// Figures over all elements, as JSON; `None` if this value has none.
    pub(super) fn figures(&self) -> Option<&str> {
        if !self.has_figures || self.array.record.is_some() {
            return None;
        }
        let (figures, _) = self.figures.get_or_init(|| {
            let start = Instant::now();
            let figures: Statistics = figures::of(self.array());
            (serde_json::to_string(&figures).unwrap_or_default(), start.elapsed())
        });
        Some(figures.as_str()).filter(|figures| !figures.is_empty())
    }

    /// The time that the figures took, if they were computed.
    pub(super) fn cost(&self) -> Option<Duration> {
        self.figures.get().map(|(_, cost)| *cost)
    }

    /// The numbers as text, of all elements or those that an index names.
    pub(super) fn text(&self, index: Option<&str>) -> std::result::Result<String, String> {
        let selection = index.map(str::parse::<Selection>).transpose()?.unwrap_or_default();
        let selected = selection.of(self.array())?;
        Ok(print::as_numpy(&selected, None, false))
    }

    /// The numbers as text, if they are few.
    pub(super) fn few_numbers(&self) -> Option<String> {
        let count = self.array.shape.iter().try_fold(1_usize, |count, &len| count.checked_mul(len))?;
        (count <= MOST_NUMBERS).then(|| self.text(None).ok()).flatten()
    }
}
