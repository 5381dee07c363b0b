//! The options of a drop-down or multiselect, as small as they can be compared: an account may have
//! thousands, and many accounts are held at a time.

use contracts::fields::FieldOption;

use super::schema::fold;

/// Pairs of an option's name, as it is compared, and its tag; sorted, each once.
#[derive(Debug, Default)]
pub struct Options {
    /// Name and tag after name and tag.
    text: Box<str>,
    /// Where in it each name and each tag ends.
    ends: Box<[(u32, u32)]>,
}

impl Options {
    /// Sorts options.
    #[must_use]
    pub fn new(options: &[FieldOption]) -> Self {
        let mut pairs: Vec<(String, &str)> =
            options.iter().map(|option| (fold(&option.name), option.tag.as_str())).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut text = String::with_capacity(
            pairs.iter().map(|(name, tag)| name.len() + tag.len()).sum::<usize>(),
        );
        // A fact is a message, so its text is far shorter than this.
        let end = |text: &String| u32::try_from(text.len()).unwrap_or(u32::MAX);
        let mut ends = Vec::with_capacity(pairs.len());
        for (name, tag) in pairs {
            text.push_str(&name);
            let name = end(&text);
            text.push_str(tag);
            ends.push((name, end(&text)));
        }
        Self { text: text.into(), ends: ends.into() }
    }

    /// Whether one of them has this tag.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        self.pairs().any(|(_, known)| known == tag)
    }

    /// Whether options of the same name have the same tags in both. Options that only one of
    /// them has do not count.
    #[must_use]
    pub fn agree_with(&self, other: &Self) -> bool {
        let (mine, theirs): (Vec<_>, Vec<_>) = (self.pairs().collect(), other.pairs().collect());
        let same_name = |one: &(&str, &str), next: &(&str, &str)| one.0 == next.0;
        let mut others = theirs.chunk_by(same_name).peekable();
        mine.chunk_by(same_name).all(|named| {
            while others.next_if(|other| other[0].0 < named[0].0).is_some() {}
            others.peek().is_none_or(|other| other[0].0 != named[0].0 || *other == named)
        })
    }

    /// Bytes they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len() + size_of_val(&*self.ends)
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut begin = 0;
        self.ends.iter().map(move |(name, tag)| {
            let (name, tag) = (*name as usize, *tag as usize);
            let pair = (&self.text[begin..name], &self.text[name..tag]);
            begin = tag;
            pair
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::super::scene::options;
    use super::*;

    #[test]
    fn r_95_options_of_one_name_need_the_same_tags() {
        let held = |pairs: &[(&str, &str)]| Options::new(&options(pairs));
        let red = held(&[("Red", "red"), ("Blue", "blue")]);
        for agreeing in [&[("RED ", "red")][..], &[], &[("Green", "x")], &[("blue", "blue")]] {
            assert!(red.agree_with(&held(agreeing)), "{agreeing:?}");
        }
        for other in [&[("red", "rouge")][..], &[("red", "red"), ("Red", "rouge")]] {
            assert!(!red.agree_with(&held(other)), "{other:?}");
            assert!(!held(other).agree_with(&red), "{other:?}");
        }
    }

    fn pairs() -> impl Strategy<Value = Vec<FieldOption>> {
        let option = ("[abAB ]{1,2}", "[xyz]{1,2}");
        let option = option.prop_map(|(name, tag)| FieldOption { name, tag });
        prop::collection::vec(option, 0..8)
    }

    /// The same, by maps.
    fn by_name(options: &[FieldOption]) -> BTreeMap<String, BTreeSet<&str>> {
        let mut by_name: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for option in options {
            by_name.entry(fold(&option.name)).or_default().insert(&option.tag);
        }
        by_name
    }

    proptest! {
        #[test]
        fn options_agree_where_their_names_tags_are_the_same(one in pairs(), other in pairs()) {
            let (mine, theirs) = (by_name(&one), by_name(&other));
            let agree = mine.iter().all(|(name, tags)| theirs.get(name).is_none_or(|their| their == tags));
            prop_assert_eq!(Options::new(&one).agree_with(&Options::new(&other)), agree);
            for tag in ["x", "yy"] {
                let has = one.iter().any(|option| option.tag == tag);
                prop_assert_eq!(Options::new(&one).has_tag(tag), has);
            }
        }
    }
}
