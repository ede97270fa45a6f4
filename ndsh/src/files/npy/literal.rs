//! Python's literals, as far as headers of `.npy` files have them.
//!
//! `ast.literal_eval` parses the same.

/// Deepest nesting: a dictionary, then a list and a tuple for each of 16 records within each other,
/// and some to spare.
const DEEPEST: usize = 40;

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    Number(i128),
    Truth(bool),
    None,
    Tuple(Vec<Literal>),
    List(Vec<Literal>),
    Dict(Vec<(Literal, Literal)>),
}

/// Parses the whole of `text`; `None` if it is no literal, or nested too deeply.
///
/// With `python2`, the `L` of a long integer is ignored.
pub(super) fn parse(text: &str, python2: bool) -> Option<Literal> {
    let mut parser = Parser { rest: text, python2 };
    let value = parser.value(DEEPEST)?;
    parser.skip();
    parser.rest.is_empty().then_some(value)
}

struct Parser<'a> {
    rest: &'a str,
    python2: bool,
}

impl Parser<'_> {
    /// Skips white space and comments.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\x0c', '\r', '\n']);
            if !self.rest.starts_with('#') {
                return;
            }
            self.rest = self.rest.find('\n').and_then(|end| self.rest.get(end..)).unwrap_or_default();
        }
    }

    fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Literal> {
        let depth = depth.checked_sub(1)?;
        self.skip();
        match self.rest.chars().next()? {
            '{' => self.dict(depth),
            '[' => {
                self.take("[");
                Some(Literal::List(self.items("]", depth)?.0))
            }
            '(' => {
                self.take("(");
                let (mut items, comma) = self.items(")", depth)?;
                // Parentheses without a comma make no tuple.
                if items.len() == 1 && !comma { items.pop() } else { Some(Literal::Tuple(items)) }
            }
            '+' | '-' | '0'..='9' => self.number(),
            _ => self.word(),
        }
    }

    /// Parses values up to `end`; also returns whether the last one has a comma.
    fn items(&mut self, end: &str, depth: usize) -> Option<(Vec<Literal>, bool)> {
        let (mut items, mut comma) = (Vec::new(), true);
        loop {
            self.skip();
            if self.take(end) {
                return Some((items, comma));
            }
            if !comma {
                return None;
            }
            items.push(self.value(depth)?);
            self.skip();
            comma = self.take(",");
        }
    }

    fn dict(&mut self, depth: usize) -> Option<Literal> {
        self.take("{");
        let (mut entries, mut comma) = (Vec::new(), true);
        loop {
            self.skip();
            if self.take("}") {
                return Some(Literal::Dict(entries));
            }
            if !comma {
                return None;
            }
            let key = self.value(depth)?;
            self.skip();
            if !self.take(":") {
                return None;
            }
            entries.push((key, self.value(depth)?));
            self.skip();
            comma = self.take(",");
        }
    }

    fn number(&mut self) -> Option<Literal> {
        let negative = self.rest.starts_with('-');
        if negative || self.rest.starts_with('+') {
            self.rest = self.rest.get(1..)?;
            self.skip();
        }
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        // A fraction, which no header has.
        if rest.starts_with('.') {
            return None;
        }
        let long = if self.python2 { word.strip_suffix('L').unwrap_or(word) } else { word };
        self.rest = rest;
        if self.python2 && long == word {
            // Python's own reader ignores the letter behind a space as well.
            self.skip();
            if let Some(rest) = self.rest.strip_prefix('L')
                && !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
            {
                self.rest = rest;
            }
        }
        let number = integer(long)?;
        Some(Literal::Number(if negative { -number } else { number }))
    }

    fn word(&mut self) -> Option<Literal> {
        for (word, value) in [("True", Literal::Truth(true)), ("False", Literal::Truth(false)), ("None", Literal::None)]
        {
            if let Some(rest) = self.rest.strip_prefix(word)
                && !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
            {
                self.rest = rest;
                return Some(value);
            }
        }
        let mut text = self.string()?;
        // Adjacent strings are one.
        loop {
            self.skip();
            match self.string() {
                Some(more) => text += &more,
                None => return Some(Literal::Text(text)),
            }
        }
    }

    /// Parses a string with its quotes, if there is one.
    fn string(&mut self) -> Option<String> {
        let quote = self.rest.find(['\'', '"'])?;
        let (prefix, rest) = self.rest.split_at(quote);
        let raw = match prefix.to_ascii_lowercase().as_str() {
            "" | "u" => false,
            "r" => true,
            // Bytes are no text, although `descr` could be some.
            _ => return None,
        };
        let end = [r#"""""#, "'''", "\"", "'"].into_iter().find(|end| rest.starts_with(end))?;
        let mut rest = rest.get(end.len()..)?;
        let mut text = String::new();
        loop {
            if let Some(after) = rest.strip_prefix(end) {
                self.rest = after;
                return Some(text);
            }
            let c = rest.chars().next()?;
            rest = rest.get(c.len_utf8()..)?;
            match c {
                '\n' if end.len() == 1 => return None,
                '\\' => {
                    let next = rest.chars().next()?;
                    rest = rest.get(next.len_utf8()..)?;
                    match next {
                        _ if raw => text.extend(['\\', next]),
                        '\\' | '\'' | '"' => text.push(next),
                        '\n' => {}
                        'n' => text.push('\n'),
                        'r' => text.push('\r'),
                        't' => text.push('\t'),
                        'x' | 'u' | 'U' => {
                            let digits = match next {
                                'x' => 2,
                                'u' => 4,
                                _ => 8,
                            };
                            let (code, after) = rest.split_at_checked(digits)?;
                            text.push(character(code)?);
                            rest = after;
                        }
                        // No name has any other escape, as Python prints it.
                        _ => text.extend(['\\', next]),
                    }
                }
                _ => text.push(c),
            }
        }
    }
}

/// The character of a code in hexadecimal digits.
fn character(code: &str) -> Option<char> {
    // Digits alone, as `from_str_radix` would take a sign.
    let digits = code.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(code, 16).ok().filter(|_| digits).and_then(char::from_u32)
}

/// Parses a whole number of Python 3, which has no octal numbers like `010`.
fn integer(text: &str) -> Option<i128> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.get(..2) {
        Some("0x") => (lower.get(2..)?, 16),
        Some("0o") => (lower.get(2..)?, 8),
        Some("0b") => (lower.get(2..)?, 2),
        _ => (lower.as_str(), 10),
    };
    // Single underscores are allowed between digits, and behind the radix.
    let groups = digits.strip_prefix('_').filter(|_| radix != 10).unwrap_or(digits);
    if groups.split('_').any(str::is_empty) {
        return None;
    }
    let plain = groups.replace('_', "");
    if radix == 10 && plain.len() > 1 && plain.starts_with('0') && plain.bytes().any(|byte| byte != b'0') {
        return None;
    }
    i128::from_str_radix(&plain, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(numbers: &[i128]) -> Option<Literal> {
        Some(Literal::Tuple(numbers.iter().map(|number| Literal::Number(*number)).collect()))
    }

    #[test]
    fn tuples_and_numbers() {
        assert_eq!(parse("(2, 3)", false), numbers(&[2, 3]));
        assert_eq!(parse(" ( 2 ,\n # comment\n) ", false), numbers(&[2]));
        assert_eq!(parse("()", false), numbers(&[]));
        assert_eq!(parse("(1_000, 0x10, 0o7, 0b11, 00, +1, - 1)", false), numbers(&[1000, 16, 7, 3, 0, 1, -1]));
        assert_eq!(parse("(7)", false), Some(Literal::Number(7)));
        for bad in ["(", "(1", "(,)", "(1,,2)", "(1 2)", "01", "1__0", "_1", "1_", "1.5", "1e3", "0x", "2L", "(1,) 2"] {
            assert_eq!(parse(bad, false), None, "{bad}");
        }
        assert_eq!(parse("(2L, 3 L, 0x10L)", true), numbers(&[2, 3, 16]));
        assert_eq!(parse("2LL", true), None);
    }

    #[test]
    fn strings() {
        for text in ["'<f4'", "\"<f4\"", "u'<f4'", "r'<f4'", "'''<f4'''", "'<' 'f4'", "'<'\n\"f4\""] {
            assert_eq!(parse(text, false), Some(Literal::Text("<f4".to_owned())), "{text}");
        }
        for bad in ["'", "'a", "b'<f4'", "f'<f4'", "'a\nb'", "'a\\"] {
            assert_eq!(parse(bad, false), None, "{bad}");
        }
    }

    #[test]
    fn nesting_has_an_end() {
        assert!(parse("[[[[[[1]]]]]]", false).is_some());
        assert_eq!(parse(&"[".repeat(9_000), false), None);
        assert_eq!(parse(&format!("{}1{}", "(".repeat(41), ")".repeat(41)), false), None);
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(text in "[{}()\\[\\]',\":a-zL0-9<>|\\-_\\\\ \n#]{0,60}", python2: bool) {
            let _ = parse(&text, python2);
        }

        #[test]
        fn any_characters_have_an_answer(text: String) {
            let _ = parse(&text, true);
        }
    }
}
