//! The options of a drop-down or multiselect, as small as they can be compared: an account may have
//! thousands, and many accounts are held at a time.

use std::collections::BTreeMap;

use contracts::comparable::comparable;
use contracts::fields::FieldOption;

/// Options by name and tag, as both are compared; sorted, each once.
#[derive(Debug, Default)]
pub struct Options {
    /// Option after option: its name and its tag as they are compared, and the tag as it is spelled
    /// where that is not the same.
    text: Box<str>,
    /// Where in it each of the three ends.
    ends: Box<[(u32, u32, u32)]>,
}

/// One option, as it is compared and as its tag is spelled.
struct Spelling<'a> {
    name: &'a str,
    compared: &'a str,
    tag: &'a str,
}

impl Options {
    /// Sorts options.
    #[must_use]
    pub fn new(options: &[FieldOption]) -> Self {
        let compared = |option: &FieldOption| {
            (comparable(&option.name), comparable(&option.tag), option.tag.clone())
        };
        let mut options: Vec<(String, String, String)> = options.iter().map(compared).collect();
        options.sort_unstable();
        options.dedup();
        let mut text = String::new();
        // A fact is a message, so its text is far shorter than this.
        let end = |text: &String| u32::try_from(text.len()).unwrap_or(u32::MAX);
        let mut ends = Vec::with_capacity(options.len());
        for (name, compared, tag) in options {
            text.push_str(&name);
            let name = end(&text);
            text.push_str(&compared);
            let spelled = end(&text);
            if tag != compared {
                text.push_str(&tag);
            }
            ends.push((name, spelled, end(&text)));
        }
        Self { text: text.into(), ends: ends.into() }
    }

    /// The tag of an option as it is spelled: exactly so, or the first in order that is alike.
    #[must_use]
    pub fn tag(&self, sent: &str) -> Option<&str> {
        if let Some(exactly) = self.all().find(|option| option.tag == sent) {
            return Some(exactly.tag);
        }
        let compared = comparable(sent);
        self.all().filter(|option| option.compared == compared).map(|option| option.tag).min()
    }

    /// Whether options of the same name have the same tags in both. Options that only one of
    /// them has do not count.
    #[must_use]
    pub fn agree_with(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.pairs(), other.pairs());
        let same_name = |one: &(&str, &str), next: &(&str, &str)| one.0 == next.0;
        let mut others = theirs.chunk_by(same_name).peekable();
        mine.chunk_by(same_name).all(|named| {
            while others.next_if(|other| other[0].0 < named[0].0).is_some() {}
            others.peek().is_none_or(|other| other[0].0 != named[0].0 || *other == named)
        })
    }

    /// Options of one name whose tags differ: the name, the tag here, the tag there.
    #[must_use]
    pub fn that_differ(&self, other: &Self) -> Vec<(String, String, String)> {
        let theirs: BTreeMap<&str, &str> =
            other.all().map(|option| (option.name, option.compared)).collect();
        let differs = self.all().filter_map(|option| {
            let there = *theirs.get(option.name)?;
            (there != option.compared)
                .then(|| (option.name.to_owned(), option.tag.to_owned(), there.to_owned()))
        });
        differs.collect()
    }

    /// Bytes they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len() + size_of_val(&*self.ends)
    }

    /// Names and tags as they are compared, each pair once.
    fn pairs(&self) -> Vec<(&str, &str)> {
        let mut pairs: Vec<_> = self.all().map(|option| (option.name, option.compared)).collect();
        pairs.dedup();
        pairs
    }

    fn all(&self) -> impl Iterator<Item = Spelling<'_>> {
        let mut begin = 0;
        self.ends.iter().map(move |(name, compared, end)| {
            let (name, compared, end) = (*name as usize, *compared as usize, *end as usize);
            let as_compared = &self.text[name..compared];
            let tag = if end == compared { as_compared } else { &self.text[compared..end] };
            let option = Spelling { name: &self.text[begin..name], compared: as_compared, tag };
            begin = end;
            option
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
        let option = ("[abAB ]{1,2}", "[xyzXÄ]{1,2}");
        let option = option.prop_map(|(name, tag)| FieldOption { name, tag });
        prop::collection::vec(option, 0..8)
    }

    /// The same, by maps.
    fn by_name(options: &[FieldOption]) -> BTreeMap<String, BTreeSet<String>> {
        let mut by_name: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for option in options {
            let tags = by_name.entry(comparable(&option.name)).or_default();
            tags.insert(comparable(&option.tag));
        }
        by_name
    }

    proptest! {
        #[test]
        fn options_agree_where_their_names_tags_are_the_same(one in pairs(), other in pairs()) {
            let (mine, theirs) = (by_name(&one), by_name(&other));
            let agree =
                mine.iter().all(|(name, tags)| theirs.get(name).is_none_or(|their| their == tags));
            prop_assert_eq!(Options::new(&one).agree_with(&Options::new(&other)), agree);
            for tag in ["x", "yy"] {
                let has = one.iter().any(|option| option.tag == tag);
                prop_assert_eq!(Options::new(&one).tag(tag) == Some(tag), has);
            }
        }
    }
}
