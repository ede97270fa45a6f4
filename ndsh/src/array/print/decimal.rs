//! Decimal digits of floating-point numbers, as NumPy prints them.

use crate::array::element::Grain;

/// A finite number as text, cut at its point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    /// Sign and digits before the point.
    pub(super) whole: String,
    /// Digits behind the point, without zeros at the end.
    pub(super) fraction: String,
    /// The power of ten; `None` where the number is written without one.
    pub(super) exponent: Option<i32>,
}

impl Decimal {
    /// Writes a number without an exponent, with at most `precision` digits behind the point.
    pub(super) fn positional(number: f64, grain: Grain, precision: usize) -> Self {
        let (digits, exponent) = shortest(number.abs(), grain);
        let behind = i32::try_from(digits.len()).unwrap_or(i32::MAX).saturating_sub(1).saturating_sub(exponent);
        let text = if usize::try_from(behind).is_ok_and(|behind| behind > precision) {
            format!("{:.precision$}", number.abs())
        } else if behind <= 0 {
            // All digits stand before the point, with zeros up to it.
            format!("{digits:0<width$}", width = usize::try_from(exponent).unwrap_or(0) + 1)
        } else if exponent < 0 {
            let zeros = usize::try_from(-1 - exponent).unwrap_or(0);
            format!("0.{}{digits}", "0".repeat(zeros))
        } else {
            let (whole, fraction) = digits.split_at(usize::try_from(exponent).unwrap_or(0) + 1);
            format!("{whole}.{fraction}")
        };
        Self::of(number, &text, None)
    }

    /// Writes a number as `d.ddde+xx`, with at most `precision` digits behind the point.
    pub(super) fn scientific(number: f64, grain: Grain, precision: usize) -> Self {
        let (digits, exponent) = shortest(number.abs(), grain);
        if digits.len() > precision + 1 {
            return Self::exact(number, precision);
        }
        let (whole, fraction) = digits.split_at(1);
        Self::of(number, &format!("{whole}.{fraction}"), Some(exponent))
    }

    /// Writes a number as `d.ddde+xx`, with so many digits behind the point.
    ///
    /// These are the digits of the very number, also beyond those that are needed to tell it from
    /// its neighbours.
    pub(super) fn exact(number: f64, precision: usize) -> Self {
        let text = format!("{:.precision$e}", number.abs());
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        Self::of(number, digits, Some(exponent.parse().unwrap_or(0)))
    }

    fn of(number: f64, text: &str, exponent: Option<i32>) -> Self {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let sign = if number.is_sign_negative() { "-" } else { "" };
        Self { whole: format!("{sign}{whole}"), fraction: fraction.trim_end_matches('0').to_owned(), exponent }
    }

    /// Puts a `+` before a number without a sign.
    pub(super) fn with_plus(mut self) -> Self {
        if !self.whole.starts_with('-') {
            self.whole.insert(0, '+');
        }
        self
    }

    /// The exponent with its sign, in two digits or more; empty if there is none.
    pub(super) fn exponent_digits(&self) -> String {
        self.exponent.map_or_else(String::new, |exponent| {
            format!("{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs())
        })
    }
}

/// Returns the fewest digits that stand for this number alone, and the power of ten of the first.
fn shortest(number: f64, grain: Grain) -> (String, i32) {
    #[expect(clippy::cast_possible_truncation, reason = "numbers of that format, as wider ones")]
    let text = match grain {
        Grain::Double => format!("{number:e}"),
        Grain::Single => format!("{:e}", number as f32),
        // Few digits are enough, so trying is quick.
        Grain::Half | Grain::Brain => (0..8)
            .map(|precision| format!("{number:.precision$e}"))
            .find(|text| text.parse().is_ok_and(|found| grain.round(found) == number))
            .unwrap_or_else(|| format!("{number:e}")),
    };
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits = digits.replace('.', "");
    let trimmed = digits.trim_end_matches('0');
    (if trimmed.is_empty() { "0" } else { trimmed }.to_owned(), exponent.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_as_few_as_possible() {
        let text = |number, grain, precision| {
            let Decimal { whole, fraction, .. } = Decimal::positional(number, grain, precision);
            format!("{whole}.{fraction}")
        };
        assert_eq!(text(0.1, Grain::Double, 8), "0.1");
        assert_eq!(text(f64::from(0.1_f32), Grain::Single, 8), "0.1");
        assert_eq!(text(Grain::Half.round(0.1), Grain::Half, 8), "0.1");
        assert_eq!(text(1.0 / 3.0, Grain::Double, 8), "0.33333333");
        assert_eq!(text(-1234.5, Grain::Double, 0), "-1234.");
        assert_eq!(text(1e15, Grain::Double, 8), "1000000000000000.");
        assert_eq!(text(0.001_234, Grain::Double, 8), "0.001234");
        assert_eq!(text(-0.0, Grain::Double, 8), "-0.");
        let small = Decimal::scientific(1.25e-7, Grain::Double, 1);
        assert_eq!(
            (small.whole.as_str(), small.fraction.as_str(), small.exponent_digits().as_str()),
            ("1", "2", "-07")
        );
    }
}
