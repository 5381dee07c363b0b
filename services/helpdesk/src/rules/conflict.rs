//! What somebody saves against what somebody else saved meanwhile.

/// What becomes of one field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged<T> {
    /// It was left as it stood: what is there now stays.
    Kept,
    /// It is set to this.
    Set(T),
    /// It was changed here and elsewhere: nothing is overwritten.
    Conflict,
}

/// Holds what a form had when it was shown (`was`) and what it says now against what is there.
pub fn three_way<T: PartialEq>(was: &T, wanted: T, now: &T) -> Merged<T> {
    if *was == wanted || *now == wanted {
        Merged::Kept
    } else if was == now {
        Merged::Set(wanted)
    } else {
        Merged::Conflict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_both_changed_to_different_values_is_a_conflict() {
        for (was, wanted, now, merged) in [
            ("open", "open", "open", Merged::Kept),
            ("open", "open", "solved", Merged::Kept),
            ("open", "solved", "open", Merged::Set("solved")),
            ("open", "solved", "solved", Merged::Kept),
            ("open", "solved", "pending", Merged::Conflict),
        ] {
            assert_eq!(three_way(&was, wanted, &now), merged, "{was} {wanted} {now}");
        }
    }
}
