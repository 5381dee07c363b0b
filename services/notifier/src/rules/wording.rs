//! The words of a notice that come from outside, made fit for one line of a mail.

use contracts::Timestamp;
use contracts::people::name_without_address;
use contracts::sync::Notice;
use contracts::terms::CommentTerms;

/// The longest text taken from outside, in characters.
const LONGEST: usize = 200;

/// What a mail says, without the sentences around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Name of the recipient; may be empty.
    pub recipient: String,
    /// The account whose admins are told.
    pub account: String,
    /// How the partner calls itself.
    pub partner: String,
    /// The partner's address.
    pub partner_address: String,
    /// What the agreement is called; may be empty.
    pub agreement: String,
    /// The agreement's id.
    pub agreement_id: String,
    /// Whether the receiver comments publicly and status is kept in step, or neither.
    pub public_comments: bool,
    /// Whether tags are shared.
    pub tags: bool,
    /// Whether custom fields are kept in step.
    pub custom_fields: bool,
    /// Who did it; may be empty.
    pub by: String,
    /// When, in a form that every language reads.
    pub at: String,
}

impl Words {
    /// Takes the words out of a notice to one recipient.
    #[must_use]
    pub fn of(notice: &Notice) -> Self {
        let partner_address = one_line(&notice.partner.address);
        let partner = one_line(&notice.partner.display_name);
        Self {
            recipient: notice.to.first().map_or_else(String::new, |admin| one_line(&admin.name)),
            account: notice.account.to_string(),
            partner: if partner.is_empty() { partner_address.clone() } else { partner },
            partner_address,
            agreement: notice.agreement_name.as_deref().map_or_else(String::new, one_line),
            agreement_id: notice.agreement_id.to_string(),
            public_comments: notice.terms.comments == CommentTerms::PublicAndPrivate,
            tags: notice.terms.tags,
            custom_fields: notice.terms.custom_fields,
            by: one_line(&name_without_address(&notice.by)),
            at: minute(notice.at),
        }
    }
}

/// A text without line breaks, control characters and marks that turn the direction of writing, cut where it is too long.
///
/// A name with a line break in it could pretend to be a line of the mail.
#[must_use]
pub fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|letter| if is_unfit(letter) { ' ' } else { letter }).collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn is_unfit(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn minute(time: Timestamp) -> String {
    time.utc().format("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use contracts::sync::NoticeKind;
    use proptest::prelude::*;

    use super::*;
    use crate::rules::samples::notice;

    #[test]
    fn r_65_the_terms_are_in_the_mail() {
        let mut notice = notice(NoticeKind::Invited);
        let words = Words::of(&notice);
        assert_eq!((words.public_comments, words.tags, words.custom_fields), (true, true, false));
        notice.terms.comments = CommentTerms::PrivateOnly;
        assert!(!Words::of(&notice).public_comments);
    }

    #[test]
    fn r_41_an_address_in_a_name_is_cut() {
        let notice = Notice { by: "gil@globex.example".into(), ..notice(NoticeKind::Deactivated) };
        assert_eq!(Words::of(&notice).by, "gil");
    }

    #[test]
    fn a_partner_without_a_name_is_called_by_its_address() {
        let mut notice = notice(NoticeKind::Accepted);
        notice.partner.display_name = " \r\n".into();
        assert_eq!(Words::of(&notice).partner, "globex");
    }

    #[test]
    fn no_text_makes_a_line_of_its_own() {
        assert_eq!(one_line("Globex\r\nBcc: all@acme.example\u{2028}\u{202e}x\0"), "Globex Bcc: all@acme.example x");
        assert_eq!(one_line(&"ä".repeat(300)).chars().count(), LONGEST + 1);
    }

    proptest! {
        #[test]
        fn one_line_is_one_line_and_stays_as_it_is(text in any::<String>()) {
            let line = one_line(&text);
            prop_assert!(!line.chars().any(is_unfit));
            prop_assert_eq!(line.trim(), line.as_str());
            if line.chars().count() <= LONGEST {
                prop_assert_eq!(one_line(&line), line);
            }
        }
    }
}
