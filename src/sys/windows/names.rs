//! Names that cannot be a file's here.

/// Names that mean devices, whatever follows after a dot.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Whether a file can have this name; if not, why.
pub(crate) fn check_file_name(name: &str) -> Result<(), &'static str> {
    if name.contains(['<', '>', ':', '"', '|', '?', '*']) {
        return Err("it contains one of <>:\"|?*");
    }
    if name.ends_with(['.', ' ']) {
        return Err("it ends with a dot or a space");
    }
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ');
    let numbered = |kind: &str| {
        stem.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(kind))
            && matches!(stem.get(3..), Some(rest) if rest.chars().count() == 1 && rest.chars().all(|c| c.is_ascii_digit() || "¹²³".contains(c)))
    };
    if DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device)) || numbered("COM") || numbered("LPT") {
        return Err("it means a device");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_file_name;

    #[test]
    fn names_of_devices_and_streams_are_refused() {
        for good in ["camera 1", "a.b", "Größe", "COM", "COM10", "NULL", "auxiliary", "x.con"] {
            assert!(check_file_name(good).is_ok(), "{good:?}");
        }
        for bad in ["a:b", "a?", "*", "nul", "NUL.txt", "con .x", "Com1", "lpt9.a.b", "COM²", "a.", "a "] {
            assert!(check_file_name(bad).is_err(), "{bad:?}");
        }
    }
}
