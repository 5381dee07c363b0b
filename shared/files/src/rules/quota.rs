//! How much an account's files may take.

/// What an account's files take, and may take, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What they take.
    pub used: u64,
    /// What they may take.
    pub most: u64,
}

impl Quota {
    /// Whether so many bytes more may be kept.
    #[must_use]
    pub const fn has_room(self, bytes: u64) -> bool {
        match self.used.checked_add(bytes) {
            Some(sum) => sum <= self.most,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_exactly_fits_and_a_byte_more_does_not() {
        for (used, most, bytes, fits) in [
            (0, 10, 10, true),
            (0, 10, 11, false),
            (10, 10, 0, true),
            (10, 10, 1, false),
            (11, 10, 0, false),
            (1, u64::MAX, u64::MAX, false),
        ] {
            assert_eq!(Quota { used, most }.has_room(bytes), fits, "{used} {most} {bytes}");
        }
    }
}
