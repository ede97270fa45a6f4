//! Which users' files are trusted.

/// Which users' files are trusted.
///
/// Any user may put files into a world-writable directory such as `/dev/shm`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Owners {
    /// Files of this process' user, and of root (on Windows: of administrators and the system).
    #[default]
    OwnOrRoot,
    /// Those, and files of one more user id. On Windows, where users have no such numbers, the same
    /// as [`OwnOrRoot`](Self::OwnOrRoot).
    User(u32),
    /// Files of all users.
    Anyone,
}

impl Owners {
    pub(crate) fn trusts(self, owner: u32, me: u32) -> bool {
        owner == me
            || owner == 0
            || match self {
                Self::OwnOrRoot => false,
                Self::User(user) => cfg!(unix) && owner == user,
                Self::Anyone => true,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust() {
        assert!(Owners::OwnOrRoot.trusts(0, 5) && Owners::OwnOrRoot.trusts(5, 5));
        assert!(!Owners::OwnOrRoot.trusts(6, 5) && !Owners::OwnOrRoot.trusts(5, 0));
        assert!(cfg!(windows) || Owners::User(6).trusts(6, 5));
        assert!(!Owners::User(6).trusts(7, 5));
        assert!(Owners::Anyone.trusts(7, 5));
    }
}
