//! `--index` with ranges: a part of an array, as NumPy selects it.

use super::ArrayRef;
use super::element::{Element, Type};
use std::str::FromStr;

/// One item of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    /// One element of the axis; negative numbers count from its end.
    At(isize),
    /// Elements from `start` to before `stop`.
    Range { start: Option<isize>, stop: Option<isize>, step: isize },
    /// All axes without an item.
    Rest,
}

/// A list such as `0`, `3:7`, `::2,-1` or `...,0`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection(Vec<Item>);

impl FromStr for Selection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let items = text.split(',').map(|item| parse(item.trim())).collect::<Result<Vec<_>, _>>()?;
        if items.iter().filter(|item| **item == Item::Rest).count() > 1 {
            return Err("`...` can stand once".to_owned());
        }
        Ok(Self(items))
    }
}

fn parse(item: &str) -> Result<Item, String> {
    let number = |text: &str| {
        text.trim().parse::<isize>().map_err(|_| format!("{item:?} is no index, no range such as 2:5, and not `...`"))
    };
    if matches!(item, ".." | "...") {
        return Ok(Item::Rest);
    }
    if !item.contains(':') {
        return Ok(Item::At(number(item)?));
    }
    let parts: Vec<&str> = item.split(':').collect();
    let part = |place: usize| match parts.get(place).map(|part| part.trim()) {
        None | Some("") => Ok(None),
        Some(text) => number(text).map(Some),
    };
    let step = part(2)?.unwrap_or(1);
    if parts.len() > 3 || step == 0 {
        return Err(format!("{item:?} is no range: start:stop:step, with a step other than 0"));
    }
    Ok(Item::Range { start: part(0)?, stop: part(1)?, step })
}

/// An axis of a selection: its length, and the distance of neighbours in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) len: usize,
    pub(crate) stride: isize,
}

/// The selected part of an array.
#[derive(Clone)]
pub(crate) struct Selected<'a> {
    array: ArrayRef<'a>,
    kind: Option<Type>,
    /// Bytes of an element.
    size: usize,
    first: isize,
    axes: Vec<Axis>,
}

impl Selection {
    /// Selects the part of `array` that the list names.
    pub(crate) fn of<'a>(&self, array: ArrayRef<'a>) -> Result<Selected<'a>, String> {
        let (kind, size) = (Type::of(array.element, array.record), array.element.size());
        let named = self.0.iter().filter(|item| **item != Item::Rest).count();
        let Some(rest) = array.shape.len().checked_sub(named) else {
            return Err(format!("the index has {named} places, and the array {} axes", array.shape.len()));
        };
        let mut given = array.shape.iter().copied().zip(super::strides(array.shape)).enumerate();
        let (mut first, mut axes) = (0_isize, Vec::new());
        let whole = |(_, (len, stride)): (usize, (usize, isize))| Axis { len, stride };
        for item in &self.0 {
            if *item == Item::Rest {
                axes.extend(given.by_ref().take(rest).map(whole));
                continue;
            }
            let Some((axis, (len, stride))) = given.next() else { break };
            match *item {
                Item::At(index) => {
                    let at = if index < 0 { len.checked_add_signed(index) } else { usize::try_from(index).ok() };
                    let at = at.filter(|at| *at < len);
                    let at = at.ok_or_else(|| format!("index {index} is outside of axis {axis}, which has {len}"))?;
                    first = at.cast_signed().saturating_mul(stride).saturating_add(first);
                }
                Item::Range { start, stop, step } => {
                    let (from, count) = range(len, start, stop, step);
                    // An empty selection begins nowhere.
                    let from = if count == 0 { 0 } else { from.cast_signed() };
                    first = from.saturating_mul(stride).saturating_add(first);
                    // With one element or none, the distance means nothing.
                    axes.push(Axis { len: count, stride: if count > 1 { stride.saturating_mul(step) } else { 0 } });
                }
                Item::Rest => {}
            }
        }
        axes.extend(given.map(whole));
        Ok(Selected { array, kind, size, first, axes })
    }
}

/// Returns the first element of a range, and the number of its elements, as Python has it.
fn range(len: usize, start: Option<isize>, stop: Option<isize>, step: isize) -> (usize, usize) {
    // Wide enough that nothing overflows.
    let (len, step) = (len as i128, step as i128);
    let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let place = |given: Option<isize>, default: i128| match given.map(|at| at as i128) {
        None => default,
        Some(at) if at < 0 => (at + len).clamp(low, high),
        Some(at) => at.clamp(low, high),
    };
    let (start, stop) =
        if step > 0 { (place(start, low), place(stop, high)) } else { (place(start, high), place(stop, low)) };
    let distance = if step > 0 { stop - start } else { start - stop };
    let count = if distance <= 0 { 0 } else { (distance - 1) / step.abs() + 1 };
    (usize::try_from(start).unwrap_or(0), usize::try_from(count).unwrap_or(0))
}

impl<'a> Selected<'a> {
    /// The whole array that this is a part of.
    pub(crate) fn array(&self) -> ArrayRef<'a> {
        self.array
    }

    /// How its elements are read and printed; `None` for a dtype that came later.
    pub(crate) fn kind(&self) -> Option<&Type> {
        self.kind.as_ref()
    }

    pub(crate) fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Place of the first element.
    pub(crate) fn first(&self) -> isize {
        self.first
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        // Beside an axis of none, the others may be of any length.
        if self.axes.iter().any(|axis| axis.len == 0) { 0 } else { self.axes.iter().map(|axis| axis.len).product() }
    }

    /// The element at a place, which counts elements of the whole array.
    pub(crate) fn element(&self, place: isize) -> Option<Element> {
        self.kind.as_ref()?.read(self.bytes(place)?)
    }

    /// The bytes of the element at a place.
    pub(crate) fn bytes(&self, place: isize) -> Option<&'a [u8]> {
        let size = self.size;
        let start = usize::try_from(place).ok()?.checked_mul(size)?;
        self.array.bytes.get(start..start.checked_add(size)?)
    }

    /// Calls `visit` with the place of each element, in C order.
    pub(crate) fn for_each(&self, visit: &mut impl FnMut(isize)) {
        fn walk(axes: &[Axis], place: isize, visit: &mut impl FnMut(isize)) {
            match axes.split_first() {
                None => visit(place),
                Some((axis, rest)) => {
                    (0..axis.len.cast_signed()).for_each(|index| walk(rest, place + index * axis.stride, visit));
                }
            }
        }
        if self.len() > 0 {
            walk(&self.axes, self.first, visit);
        }
    }

    /// The elements in C order, as bytes.
    pub(crate) fn to_bytes(&self) -> std::borrow::Cow<'a, [u8]> {
        if self.is_whole() {
            return self.array.bytes.into();
        }
        let mut bytes = Vec::new();
        self.for_each(&mut |place| bytes.extend_from_slice(self.bytes(place).unwrap_or(&[])));
        bytes.into()
    }

    fn is_whole(&self) -> bool {
        if self.len().checked_mul(self.size) != Some(self.array.bytes.len()) {
            return false;
        }
        let shape: Vec<_> = self.axes.iter().map(|axis| axis.len).collect();
        let strides = super::strides(&shape);
        self.first == 0 && self.axes.iter().zip(strides).all(|(axis, stride)| axis.len <= 1 || axis.stride == stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndsharray::DType;
    use proptest::prelude::*;

    fn select(text: &str, shape: &[usize]) -> Result<(Vec<usize>, Vec<u8>), String> {
        let bytes: Vec<u8> = (0..u8::try_from(shape.iter().product::<usize>()).unwrap()).collect();
        let selected = text.parse::<Selection>()?.of(ArrayRef::new(DType::U8, shape, &bytes))?;
        Ok((selected.axes().iter().map(|axis| axis.len).collect(), selected.to_bytes().into_owned()))
    }

    /// What NumPy selects.
    #[test]
    fn parts_as_numpy_has_them() {
        for (text, shape, axes, elements) in [
            ("...", &[2, 3][..], &[2, 3][..], &[0, 1, 2, 3, 4, 5][..]),
            ("1", &[2, 3], &[3], &[3, 4, 5]),
            ("-1,0", &[2, 3], &[], &[3]),
            ("..,-1", &[2, 3], &[2], &[2, 5]),
            (":,1:", &[2, 3], &[2, 2], &[1, 2, 4, 5]),
            ("::-1", &[2, 2], &[2, 2], &[2, 3, 0, 1]),
            ("[5:1:-2]", &[6], &[2], &[5, 3]),
            ("-3:", &[6], &[3], &[3, 4, 5]),
            (":-4", &[6], &[2], &[0, 1]),
            ("4:100", &[6], &[2], &[4, 5]),
            ("-100::4", &[6], &[2], &[0, 4]),
            ("3:3", &[6], &[0], &[]),
            ("4:2", &[6], &[0], &[]),
            ("0, ..., ::2", &[2, 2, 3], &[2, 2], &[0, 2, 3, 5]),
            (":", &[0], &[0], &[]),
        ] {
            assert_eq!(select(text, shape), Ok((axes.to_vec(), elements.to_vec())), "{text} of {shape:?}");
        }
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for (text, shape) in [
            ("2", &[2][..]),
            ("-3", &[2]),
            ("0", &[0]),
            ("0,0", &[1]),
            ("x", &[1]),
            ("..,..", &[1]),
            ("", &[1]),
            ("::0", &[1]),
            ("1:2:3:4", &[9]),
            ("99999999999999999999", &[9]),
        ] {
            assert!(select(text, shape).is_err(), "{text} of {shape:?}");
        }
    }

    proptest! {
        #[test]
        fn ranges_stay_inside(len in 0_usize..9, start: Option<isize>, stop: Option<isize>, step in any::<isize>()) {
            let near = |at: Option<isize>| at.map(|at| if at % 2 == 0 { at } else { at % 12 });
            let step = if step % 3 == 0 { step } else { step % 5 };
            prop_assume!(step != 0);
            let (from, count) = range(len, near(start), near(stop), step);
            prop_assert!(count <= len);
            if count > 0 {
                let last = from.checked_add_signed(step * (count as isize - 1)).unwrap();
                prop_assert!(from < len && last < len);
            }
        }
    }
}
