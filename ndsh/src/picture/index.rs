//! `--index`: the part of an array to show.

use std::str::FromStr;

/// One item of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    /// One element of the axis; negative numbers count from its end.
    At(isize),
    /// The whole axis.
    All,
    /// All axes without an item.
    Rest,
}

/// A list such as `0`, `3,..`, `:,2` or `..,-1`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index(Vec<Item>);

impl FromStr for Index {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let item = |item: &str| match item.trim() {
            ":" => Ok(Item::All),
            ".." | "..." => Ok(Item::Rest),
            number => {
                number.parse().map(Item::At).map_err(|_| format!("{number:?} is no index, and neither `:` nor `..`"))
            }
        };
        let items = text.split(',').map(item).collect::<Result<Vec<_>, _>>()?;
        if items.iter().filter(|item| **item == Item::Rest).count() > 1 {
            return Err("`..` can stand once".to_owned());
        }
        Ok(Self(items))
    }
}

impl Index {
    /// Makes an index of these elements; `None` is a whole axis.
    pub(crate) fn of_fixed(fixed: &[Option<usize>]) -> Self {
        let item = |at: &Option<usize>| at.and_then(|at| isize::try_from(at).ok()).map_or(Item::All, Item::At);
        Self(fixed.iter().map(item).collect())
    }

    /// Returns the chosen element for each axis, or `None` for the whole axis.
    pub(crate) fn resolve(&self, shape: &[usize]) -> Result<Vec<Option<usize>>, String> {
        let named = self.0.iter().filter(|item| **item != Item::Rest).count();
        let Some(rest) = shape.len().checked_sub(named) else {
            return Err(format!("the index has {named} places, and the array {} axes", shape.len()));
        };
        let mut fixed = Vec::new();
        for item in &self.0 {
            match *item {
                Item::Rest => fixed.extend(std::iter::repeat_n(None, rest)),
                Item::All => fixed.push(None),
                Item::At(index) => {
                    let axis = fixed.len();
                    let len = shape.get(axis).copied().unwrap_or(0);
                    let at = if index < 0 { len.checked_add_signed(index) } else { usize::try_from(index).ok() };
                    let at = at.filter(|at| *at < len);
                    fixed.push(Some(
                        at.ok_or_else(|| format!("index {index} is outside of axis {axis}, which has {len}"))?,
                    ));
                }
            }
        }
        fixed.resize(shape.len(), None);
        Ok(fixed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str, shape: &[usize]) -> Result<Vec<Option<usize>>, String> {
        text.parse::<Index>()?.resolve(shape)
    }

    #[test]
    fn places_and_axes() {
        assert_eq!(resolve("1", &[2, 3, 4]), Ok(vec![Some(1), None, None]));
        assert_eq!(resolve("0,..", &[2, 3, 4]), Ok(vec![Some(0), None, None]));
        assert_eq!(resolve("..,-1", &[2, 3, 4]), Ok(vec![None, None, Some(3)]));
        assert_eq!(resolve(":,2", &[2, 3, 4]), Ok(vec![None, Some(2), None]));
        assert_eq!(resolve("0,...,1", &[2, 3]), Ok(vec![Some(0), Some(1)]));
        assert_eq!(Index::default().resolve(&[2, 3]), Ok(vec![None, None]));
        for (text, shape) in
            [("2", &[2][..]), ("-3", &[2]), ("0", &[0]), ("0,0", &[1]), ("x", &[1]), ("..,..", &[1]), ("", &[1])]
        {
            assert!(resolve(text, shape).is_err(), "{text} of {shape:?}");
        }
    }
}
