//! Names on the way: chunks of keys, patterns, and the local names of imported channels.

use glob::{MatchOptions, Pattern};

/// The longest name of a channel, in bytes.
pub const MAX_NAME: usize = 200;

/// Whether a byte stands for itself in a chunk of a key.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// A name as one chunk of a key: whatever could mean something there is percent-encoded.
///
/// ```
/// assert_eq!(ndsharray_link::names::encode("left eye/1"), "left%20eye%2F1");
/// ```
#[must_use]
pub fn encode(name: &str) -> String {
    use std::fmt::Write;
    let mut chunk = String::with_capacity(name.len());
    for byte in name.bytes() {
        if is_plain(byte) {
            chunk.push(byte.into());
        } else {
            // Writing to a string does not fail.
            let _ = write!(chunk, "%{byte:02X}");
        }
    }
    chunk
}

/// The name that [`encode`] has made a chunk of; `None` for any other chunk.
#[must_use]
pub fn decode(chunk: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(chunk.len());
    let mut rest = chunk.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = behind;
    }
    let name = String::from_utf8(bytes).ok()?;
    // One spelling of each name, so that no channel has two keys.
    (encode(&name) == chunk).then_some(name)
}

/// A pattern for channels, with `*`, `?` and `[...]`.
///
/// One with a `/` is for host and channel, one without for channels of any host.
#[derive(Clone, Debug)]
pub struct ChannelPattern {
    pattern: Pattern,
    has_host: bool,
}

impl ChannelPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// The text is no pattern.
    pub fn new(text: &str) -> Result<Self, String> {
        let pattern = Pattern::new(text).map_err(|error| format!("{text:?}: {error}"))?;
        Ok(Self { pattern, has_host: text.contains('/') })
    }

    /// Whether it takes the channel `channel` of `host`.
    #[must_use]
    pub fn matches(&self, host: &str, channel: &str) -> bool {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        if self.has_host {
            self.pattern.matches_with(&format!("{host}/{channel}"), options)
        } else {
            self.pattern.matches_with(channel, options)
        }
    }
}

/// Whether one of the patterns takes the channel.
#[must_use]
pub fn any_matches(patterns: &[ChannelPattern], host: &str, channel: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(host, channel))
}

/// What imported channels are called: the template of the first pattern that takes them.
#[derive(Clone, Debug, Default)]
pub struct Renames(Vec<(ChannelPattern, String)>);

impl Renames {
    /// Adds `PATTERN=TEMPLATE`; in a template `{host}` and `{channel}` stand for the two.
    ///
    /// # Errors
    ///
    /// There is no `=`, or no pattern before it.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let (pattern, template) = text.split_once('=').ok_or_else(|| format!("{text:?}: no = in it"))?;
        self.0.push((ChannelPattern::new(pattern)?, template.to_owned()));
        Ok(())
    }

    /// The local name of a channel: `HOST.CHANNEL`, if no template says otherwise.
    ///
    /// # Errors
    ///
    /// It is longer than names may be.
    ///
    /// ```
    /// let mut renames = ndsharray_link::names::Renames::default();
    /// renames.add("robot/cam*={channel}")?;
    /// assert_eq!(renames.local("robot", "camera")?, "camera");
    /// assert_eq!(renames.local("robot", "lidar")?, "robot.lidar");
    /// # Ok::<(), String>(())
    /// ```
    pub fn local(&self, host: &str, channel: &str) -> Result<String, String> {
        let template = self.0.iter().find(|(pattern, _)| pattern.matches(host, channel));
        let template = template.map_or("{host}.{channel}", |(_, template)| template);
        let mut name = String::new();
        let mut rest = template;
        // One pass, so that a brace in a name is not taken for a place.
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            name.push_str(before);
            rest = if let Some(behind) = from.strip_prefix("{host}") {
                name.push_str(host);
                behind
            } else if let Some(behind) = from.strip_prefix("{channel}") {
                name.push_str(channel);
                behind
            } else {
                name.push('{');
                from.get(1..).unwrap_or_default()
            };
        }
        name.push_str(rest);
        check(&name)?;
        Ok(name)
    }
}

/// Fails for a name that is longer than names may be.
///
/// # Errors
///
/// The sentence that says so.
pub fn check(name: &str) -> Result<(), String> {
    if name.len() > MAX_NAME {
        return Err(format!("{name:?} has {} bytes, where names have {MAX_NAME} at most", name.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn chunks_are_names_and_nothing_else(name in "\\PC{0,40}") {
            let chunk = encode(&name);
            prop_assert!(chunk.bytes().all(|byte| is_plain(byte) || byte == b'%'));
            prop_assert_eq!(decode(&chunk), Some(name));
        }

        #[test]
        fn any_chunk_decodes_or_does_not(chunk in "[%0-9A-Fa-f*/é]{0,20}") {
            if let Some(name) = decode(&chunk) {
                prop_assert_eq!(encode(&name), chunk);
            }
        }
    }

    #[test]
    fn patterns_with_and_without_a_host() {
        let pattern = |text| ChannelPattern::new(text).unwrap();
        assert!(pattern("cam*").matches("robot", "camera"));
        assert!(!pattern("robot*").matches("robot", "camera"));
        assert!(pattern("robot/*").matches("robot", "camera"));
        assert!(!pattern("robot/*").matches("desk", "camera"));
        assert!(pattern("*/lidar").matches("desk", "lidar"));
        assert!(ChannelPattern::new("[").is_err());
    }

    #[test]
    fn names_that_are_too_long_are_errors() {
        let renames = Renames::default();
        let long = "c".repeat(190);
        assert_eq!(renames.local("robotic.0", &long).unwrap().len(), MAX_NAME);
        assert!(renames.local("robotic.01", &long).is_err());
    }

    #[test]
    fn braces_in_names_stay() {
        let mut renames = Renames::default();
        renames.add("*/*=x{channel}{host}{other}").unwrap();
        assert_eq!(renames.local("{channel}", "a{host}").unwrap(), "xa{host}{channel}{other}");
        assert!(renames.add("nothing").is_err());
    }
}
