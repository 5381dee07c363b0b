//! What a desk can hold: longer text is cut at a word, longer HTML and larger files are left out.

use contracts::command::DeskLimits;
use contracts::comment::{Attachment, SharedComment};
use contracts::sync::{Action, Transfer};
use contracts::{Decision, Item, ItemOutcome, Reason};
use serde::{Deserialize, Serialize};

use super::Settings;

/// How much of a comment a copy is told, whose desk cannot hold all of it. Kept with the comment:
/// what is told again is the same, whatever the desk says later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// Characters of its text, and of its HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_chars: Option<u64>,
    /// Bytes of each of its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment_bytes: Option<u64>,
}

impl Cut {
    /// How much of a comment a desk is told; nothing where it can hold all.
    pub(super) fn of(limits: DeskLimits, content: &SharedComment) -> Option<Self> {
        let html = content.html_body.as_deref().unwrap_or_default();
        let body_chars = limits
            .body_chars
            .filter(|most| is_longer(&content.body, *most) || is_longer(html, *most));
        let attachment_bytes = limits
            .attachment_bytes
            .filter(|most| content.attachments.iter().any(|file| is_larger(file, *most)));
        let cut = Self { body_chars, attachment_bytes };
        (cut != Self::default()).then_some(cut)
    }

    /// The comment as it is told.
    pub(super) fn applied(self, mut content: SharedComment) -> SharedComment {
        if let Some(most) = self.body_chars {
            content.body.truncate(at_a_word(&content.body, most).len());
            content.html_body = content.html_body.filter(|html| !is_longer(html, most));
        }
        if let Some(most) = self.attachment_bytes {
            content.attachments.retain(|file| !is_larger(file, most));
        }
        content
    }

    /// What the publisher is told of it.
    pub(super) fn decisions(self, content: &SharedComment) -> Vec<Decision> {
        let item = Item::Comment(content.id.clone());
        let text = match self.body_chars {
            None => Decision::new(item, ItemOutcome::Transferred),
            Some(most) => Decision::new(item, ItemOutcome::Mapped)
                .because(Reason::TooLong)
                .with_detail(format!("told up to {most} characters")),
        };
        let too_large = |most| {
            let files = content.attachments.iter().filter(move |file| is_larger(file, most));
            files.map(move |file| {
                Decision::withheld(Item::Attachment(file.id.clone()), Reason::TooLong)
                    .with_detail(format!("of comment {}: above {most} bytes", content.id))
            })
        };
        std::iter::once(text).chain(self.attachment_bytes.into_iter().flat_map(too_large)).collect()
    }
}

/// The subject of the ticket that a share creates, where the receiver's desk cannot hold all of it,
/// and what the publisher is told of that.
pub(crate) fn subject(settings: &Settings, transfer: &Transfer) -> Option<(String, Decision)> {
    let Action::Share(sharing) = &transfer.action else { return None };
    let hop = transfer.hops.iter().find(|hop| hop.share_id == sharing.share_id)?;
    let most = settings.limits_of(&hop.receiver).subject_chars?;
    is_longer(&sharing.subject, most).then(|| {
        let decision =
            Decision::new(Item::Member("/ticket/subject".to_owned()), ItemOutcome::Mapped)
                .because(Reason::TooLong)
                .with_detail(format!("told up to {most} characters"))
                .over(&hop.share_id);
        (at_a_word(&sharing.subject, most).to_owned(), decision)
    })
}

fn is_larger(file: &Attachment, most: u64) -> bool {
    file.size.is_some_and(|size| size > most)
}

fn is_longer(text: &str, most: u64) -> bool {
    end_of(text, most).is_some()
}

/// Where the character after the first `most` begins, if there is one.
fn end_of(text: &str, most: u64) -> Option<usize> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    // No text has more characters than bytes.
    if text.len() <= most {
        return None;
    }
    text.char_indices().nth(most).map(|(at, _)| at)
}

/// The words of a text that fit; of one word that does not, as many characters as do.
fn at_a_word(text: &str, most: u64) -> &str {
    let Some(end) = end_of(text, most) else { return text };
    let fits = &text[..end];
    if text[end..].starts_with(char::is_whitespace) {
        return fits.trim_end();
    }
    let words = fits.rfind(char::is_whitespace).map_or("", |at| fits[..at].trim_end());
    if words.is_empty() { fits } else { words }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{acme_copy, file, known};
    use super::*;

    #[test]
    fn text_is_cut_at_a_word() {
        for (text, most, told) in [
            ("It smokes.", 10, "It smokes."),
            ("It smokes.", 9, "It"),
            ("It smokes.", 2, "It"),
            ("It smokes.", 3, "It"),
            ("It smokes.", 1, "I"),
            ("Donaudampfschiff", 5, "Donau"),
            ("a\n\nb c", 3, "a"),
            ("  ab", 3, "  a"),
            ("żółw żółw", 4, "żółw"),
            ("żółw żółw", 8, "żółw"),
        ] {
            assert_eq!(at_a_word(text, most), told, "{text:?} {most}");
        }
    }

    #[test]
    fn what_a_desk_can_hold_is_told_as_it_is() {
        let content = known("acme/1", "acme", &acme_copy()).content;
        assert_eq!(Cut::of(DeskLimits::default(), &content), None);
        let limits =
            DeskLimits { body_chars: Some(14), attachment_bytes: Some(0), ..DeskLimits::default() };
        assert_eq!(Cut::of(limits, &content), None, "{content:?}");
        let unknown = SharedComment { attachments: vec![file("f")], ..content };
        assert_eq!(Cut::of(limits, &unknown), None, "a size that is not told");
    }

    #[test]
    fn html_that_is_too_long_goes_and_the_text_stays() {
        let html_body = Some("<p>body of acme/1</p>".to_owned());
        let content = SharedComment { html_body, ..known("acme/1", "acme", &acme_copy()).content };
        let limits = DeskLimits { body_chars: Some(20), ..DeskLimits::default() };
        let told = Cut::of(limits, &content).unwrap().applied(content.clone());
        assert_eq!((told.body, told.html_body), (content.body, None));
    }

    #[test]
    fn a_file_that_is_too_large_goes_alone() {
        let large = Attachment { size: Some(11), ..file("large") };
        let attachments = vec![large, Attachment { size: Some(10), ..file("small") }];
        let content =
            SharedComment { attachments, ..known("acme/1", "acme", &acme_copy()).content };
        let limits = DeskLimits { attachment_bytes: Some(10), ..DeskLimits::default() };
        let cut = Cut::of(limits, &content).unwrap();
        let items: Vec<_> = cut
            .decisions(&content)
            .into_iter()
            .map(|decision| (decision.item.to_string(), decision.outcome, decision.reason))
            .collect();
        let expected = [
            ("comment:acme/1".to_owned(), ItemOutcome::Transferred, None),
            ("attachment:large".to_owned(), ItemOutcome::Withheld, Some(Reason::TooLong)),
        ];
        assert_eq!(items, expected);
        let left: Vec<_> =
            cut.applied(content).attachments.into_iter().map(|file| file.id).collect();
        assert_eq!(left, ["small"]);
    }

    proptest! {
        #[test]
        fn what_is_cut_fits_and_is_the_beginning(text in "[a-zß \n]{0,40}", most in 1..50_u64) {
            let told = at_a_word(&text, most);
            prop_assert!(text.starts_with(told) && !is_longer(told, most));
            prop_assert_eq!(at_a_word(told, most), told, "cut again it is the same");
        }
    }
}
