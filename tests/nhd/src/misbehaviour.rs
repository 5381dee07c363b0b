//! What a partner does wrong, as settings. Which call meets it follows from a seed.

use std::time::Duration;

use fastrand::Rng;

/// One thing done wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Says no, with a body, and does nothing.
    Refuse { status: u16, body: String },
    /// Closes the connection without a word, and does nothing.
    Drop,
    /// Says yes with a page for people, and does nothing.
    HtmlPage,
    /// Does it, and says that it failed.
    DoneButFailed(u16),
    /// Does it, and closes the connection without a word.
    DoneButDropped,
    /// Does it, and says so too late.
    DoneLate(Duration),
    /// Says nothing for so long, and does nothing.
    Hang(Duration),
    /// Sends the caller to another place.
    Elsewhere { status: u16, location: String },
    /// Does it, and answers with a body of so many bytes.
    Huge(usize),
}

impl Deed {
    /// Whether it does what it was told.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(
            self,
            Self::DoneButFailed(_) | Self::DoneButDropped | Self::DoneLate(_) | Self::Huge(_)
        )
    }
}

/// How often, and what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Misbehaviour {
    /// Done wrong every time.
    pub always: Option<Deed>,
    /// Of a thousand calls, so many fail.
    pub fails: u32,
    /// Of a thousand calls, so many are answered with a lie.
    pub lies: u32,
    /// How long it is late when it is.
    pub late: Duration,
    pub seed: u64,
}

impl Misbehaviour {
    /// Every call meets it.
    #[must_use]
    pub fn always(deed: Deed) -> Self {
        Self { always: Some(deed), ..Self::default() }
    }

    /// What the partner does wrong at its call of this number.
    #[must_use]
    pub fn deed(&self, number: u64) -> Option<Deed> {
        if self.always.is_some() {
            return self.always.clone();
        }
        let mut chance = Rng::with_seed(self.seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let drawn = chance.u32(0..1000);
        if drawn < self.fails {
            let refusals = [500, 502, 503, 504];
            let refused = |status| Deed::Refuse { status, body: "not now".to_owned() };
            return Some(match chance.usize(0..=refusals.len()) {
                drop if drop == refusals.len() => Deed::Drop,
                which => refused(refusals[which]),
            });
        }
        (drawn < self.fails + self.lies).then(|| match chance.u8(0..4) {
            0 => Deed::HtmlPage,
            1 => Deed::DoneButFailed(500),
            2 => Deed::DoneButDropped,
            _ => Deed::DoneLate(self.late),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_fails_and_a_tenth_is_a_lie() {
        let misbehaviour =
            Misbehaviour { fails: 200, lies: 100, seed: 7, ..Misbehaviour::default() };
        let deeds: Vec<_> = (0..20_000).map(|number| misbehaviour.deed(number)).collect();
        let is_failure =
            |deed: &&Option<Deed>| matches!(deed, Some(Deed::Refuse { .. } | Deed::Drop));
        let failures = deeds.iter().filter(is_failure).count();
        let lies = deeds.iter().flatten().count() - failures;
        assert!((3_600..4_400).contains(&failures), "{failures}");
        assert!((1_700..2_300).contains(&lies), "{lies}");
    }

    #[test]
    fn the_same_seed_does_the_same_wrong() {
        let of = |seed| {
            let misbehaviour =
                Misbehaviour { fails: 300, lies: 300, seed, ..Misbehaviour::default() };
            (0..50).map(|number| misbehaviour.deed(number)).collect::<Vec<_>>()
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn without_settings_nothing_is_done_wrong() {
        assert!((0..1000).all(|number| Misbehaviour::default().deed(number).is_none()));
    }
}
