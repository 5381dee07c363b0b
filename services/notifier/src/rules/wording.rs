//! The words of a notice that come from outside, made fit for a mail.

use contracts::Timestamp;
use contracts::people::name_without_contact;
use contracts::sync::{About, AgreementEvent, AgreementNotice, CommentNotice, Notice};
use contracts::terms::CommentTerms;
use mail::one_line;

use super::comment::{Readable, paragraphs, readable, shown_link};
use super::page::Pages;

/// What a mail says, without the sentences around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Name of the recipient; may be empty.
    pub recipient: String,
    /// The account whose people are told.
    pub account: String,
    /// How the partner calls itself.
    pub partner: String,
    /// The partner's address.
    pub partner_address: String,
    /// Who did it; may be empty.
    pub by: String,
    /// When, in a form that every language reads.
    pub at: String,
    /// What happened.
    pub about: NoticeWords,
}

/// What happened, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeWords {
    /// Something happened to an agreement.
    Agreement(AgreementWords),
    /// A comment came to a ticket.
    Comment(CommentWords),
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each chooses a sentence of the mail")]
pub struct AgreementWords {
    /// What happened to it.
    pub event: AgreementEvent,
    /// What it is called; may be empty.
    pub name: String,
    pub id: String,
    /// Its page, where that is known.
    pub page: Option<String>,
    /// Whether its sender took it back before it was decided.
    pub withdrawn: bool,
    /// Whether the receiver comments publicly and status is kept in step, or neither.
    pub public_comments: bool,
    /// Whether tags are shared.
    pub tags: bool,
    /// Whether custom fields are kept in step.
    pub custom_fields: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentWords {
    /// The account's own number of the ticket.
    pub ticket: String,
    /// The link to it, if there is one that can be shown.
    pub link: Option<String>,
    /// What it says; may be empty.
    pub text: String,
    /// The same as lines in paragraphs.
    pub paragraphs: Vec<Vec<String>>,
    /// Whether that is all it says.
    pub whole: bool,
}

impl Words {
    /// Takes the words out of a notice to one recipient.
    #[must_use]
    pub fn of(notice: &Notice, pages: &Pages) -> Self {
        let partner_address = one_line(&notice.partner.address);
        let partner = one_line(&notice.partner.display_name);
        Self {
            recipient: notice.to.first().map_or_else(String::new, |told| one_line(&told.name)),
            account: notice.account.to_string(),
            partner: if partner.is_empty() { partner_address.clone() } else { partner },
            partner_address,
            by: one_line(&name_without_contact(&notice.by)),
            at: minute(notice.at),
            about: match &notice.about {
                About::Agreement(agreement) => {
                    let id = agreement.agreement_id.to_string();
                    let page = pages.of_agreement(notice.account.as_str(), &id);
                    NoticeWords::Agreement(AgreementWords { page, ..AgreementWords::of(agreement) })
                }
                About::Comment(comment) => NoticeWords::Comment(CommentWords::of(comment)),
            },
        }
    }
}

impl AgreementWords {
    fn of(agreement: &AgreementNotice) -> Self {
        Self {
            event: agreement.event,
            name: agreement.name.as_deref().map_or_else(String::new, one_line),
            id: agreement.agreement_id.to_string(),
            page: None,
            withdrawn: agreement.withdrawn,
            public_comments: agreement.terms.comments == CommentTerms::PublicAndPrivate,
            tags: agreement.terms.tags,
            custom_fields: agreement.terms.custom_fields,
        }
    }
}

impl CommentWords {
    fn of(comment: &CommentNotice) -> Self {
        let Readable { text, whole } = readable(&comment.body);
        Self {
            ticket: one_line(comment.ticket_id.as_str()),
            link: comment.link.as_deref().and_then(shown_link),
            paragraphs: paragraphs(&text),
            text,
            whole,
        }
    }
}

fn minute(time: Timestamp) -> String {
    time.utc().format("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use contracts::TicketId;

    use super::*;
    use crate::rules::samples::{agreement, comment, notice, to_admin, to_cc};

    #[test]
    fn r_65_the_terms_are_in_the_mail() {
        let mut agreement = agreement(AgreementEvent::Invited);
        let words = AgreementWords::of(&agreement);
        assert_eq!((words.public_comments, words.tags, words.custom_fields), (true, true, false));
        agreement.terms.comments = CommentTerms::PrivateOnly;
        assert!(!AgreementWords::of(&agreement).public_comments);
    }

    #[test]
    fn r_25_who_wrote_what_on_which_ticket_is_in_the_mail() {
        let words = Words::of(&to_cc("It works.\r\n\r\nPlease try.\0"), &Pages::default());
        assert_eq!(
            (words.by.as_str(), words.partner.as_str(), words.account.as_str()),
            ("Agent Gil", "Globex Support", "acme")
        );
        let told = CommentWords {
            ticket: "4711".into(),
            link: Some("https://desk.acme.example/tickets/4711".into()),
            text: "It works.\n\nPlease try.".into(),
            paragraphs: vec![vec!["It works.".into()], vec!["Please try.".into()]],
            whole: true,
        };
        assert_eq!(words.about, NoticeWords::Comment(told));
    }

    #[test]
    fn r_25_a_ticket_number_is_one_line_and_a_link_that_is_none_is_left_out() {
        let odd = CommentNotice {
            ticket_id: TicketId::new("4711\u{2028}\u{202e}x").unwrap(),
            link: Some("javascript:alert(4711)".into()),
            ..comment("")
        };
        let words = CommentWords::of(&odd);
        assert_eq!(
            (words.ticket.as_str(), words.link, words.text.as_str(), words.whole),
            ("4711 x", None, "", true)
        );
        assert_eq!(CommentWords::of(&CommentNotice { link: None, ..odd }).link, None);
    }

    #[test]
    fn r_41_an_address_in_a_name_is_cut() {
        for about in [to_admin(AgreementEvent::Deactivated).about, to_cc("x").about] {
            let notice = Notice { by: "gil@globex.example".into(), ..notice(about) };
            assert_eq!(Words::of(&notice, &Pages::default()).by, "gil");
        }
    }

    #[test]
    fn a_partner_without_a_name_is_called_by_its_address() {
        let mut notice = to_admin(AgreementEvent::Accepted);
        notice.partner.display_name = " \r\n".into();
        assert_eq!(Words::of(&notice, &Pages::default()).partner, "globex");
    }
}
