//! Which part of a file a request asks for (RFC 9110, 14.2).

use std::ops::RangeInclusive;

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// From one byte to another, both included.
    Of(RangeInclusive<u64>),
    /// It asks for what is not there.
    NotThere,
}

/// The part that the header names of a file of so many bytes. Several parts, and what is no range,
/// are answered with all of it, as the standard allows.
#[must_use]
pub fn part(header: Option<&str>, size: u64) -> Part {
    let Some(ranges) = header.and_then(|it| http_range_header::parse_range_header(it).ok()) else {
        return Part::Whole;
    };
    if ranges.len() != 1 {
        return Part::Whole;
    }
    match ranges.validate(size).map(|ranges| ranges.into_iter().next()) {
        Ok(Some(range)) => Part::Of(range),
        Ok(None) | Err(_) => Part::NotThere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_is_answered_and_everything_else_with_all_of_it() {
        for (header, answer) in [
            (None, Part::Whole),
            (Some("bytes=0-3"), Part::Of(0..=3)),
            (Some("bytes=9-"), Part::Of(9..=9)),
            (Some("bytes=-4"), Part::Of(6..=9)),
            (Some("bytes=5-500"), Part::Of(5..=9)),
            (Some("bytes=10-"), Part::NotThere),
            (Some("bytes=0-1,3-4"), Part::Whole),
            (Some("lines=1-2"), Part::Whole),
            (Some("bytes=x"), Part::Whole),
            (Some(""), Part::Whole),
        ] {
            assert_eq!(part(header, 10), answer, "{header:?}");
        }
        assert_eq!(part(Some("bytes=0-"), 0), Part::NotThere);
    }
}
