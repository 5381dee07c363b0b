//! How much one message may carry (contract part 2), and that links are https.

use contracts::command::{
    MAX_LIMIT, ShareList, TicketRedact, TicketShare, TicketUpdate, page_size,
};
use contracts::comment::Comment;
use contracts::limits::{ATTACHMENTS, CCS, COMMENTS, FIELDS, TAGS};
use contracts::{ShareId, TicketId};
use messaging::DecodeError;

/// Characters of an attachment's id: a redaction that waits for its comment is stored under it.
const ATTACHMENT_ID: usize = 255;

/// A share within limits.
pub(crate) fn share(share: &TicketShare) -> Result<(), DecodeError> {
    let ticket = &share.ticket;
    at_most(FIELDS, ticket.custom_fields.len(), "/ticket/custom_fields")?;
    at_most(TAGS, ticket.tags.len(), "/ticket/tags")?;
    at_most(CCS, ticket.ccs.len(), "/ticket/ccs")?;
    comments(&ticket.comments, "/ticket/comments")
}

/// An update within limits, that names a ticket.
pub(crate) fn update(update: &TicketUpdate) -> Result<(), DecodeError> {
    names_a_ticket(update.ticket_id.as_ref(), update.share_id.as_ref())?;
    at_most(FIELDS, update.custom_fields.len(), "/custom_fields")?;
    let tags = update.tags.as_ref().map_or(0, |tags| tags.add.len() + tags.remove.len());
    at_most(TAGS, tags, "/tags")?;
    at_most(CCS, update.ccs.as_ref().map_or(0, Vec::len), "/ccs")?;
    comments(&update.comments, "/comments")
}

/// A redaction that names a ticket, and no attachment that there cannot be.
pub(crate) fn redact(redact: &TicketRedact) -> Result<(), DecodeError> {
    names_a_ticket(redact.ticket_id.as_ref(), redact.share_id.as_ref())?;
    redact.attachment_id.as_deref().map_or(Ok(()), |id| attachment_id(id, "/attachment_id"))
}

/// A page that there can be.
pub(crate) fn page(list: &ShareList) -> Result<(), DecodeError> {
    if page_size(list.limit).is_none() {
        return Err(DecodeError::malformed(
            "/limit",
            format!("a page has 1 to {MAX_LIMIT} entries"),
        ));
    }
    match &list.cursor {
        Some(cursor) if ShareId::new(cursor.as_str()).is_err() => {
            Err(DecodeError::malformed("/cursor", "not a next_cursor of an earlier receipt"))
        }
        _ => Ok(()),
    }
}

/// A number or a share.
pub(crate) fn names_a_ticket(
    ticket: Option<&TicketId>,
    share: Option<&ShareId>,
) -> Result<(), DecodeError> {
    if ticket.is_none() && share.is_none() {
        return Err(DecodeError::malformed("/ticket_id", "ticket_id or share_id is required"));
    }
    Ok(())
}

fn comments(comments: &[Comment], at: &str) -> Result<(), DecodeError> {
    at_most(COMMENTS, comments.len(), at)?;
    for (index, comment) in comments.iter().enumerate() {
        at_most(ATTACHMENTS, comment.attachments.len(), &format!("{at}/{index}/attachments"))?;
        for (number, attachment) in comment.attachments.iter().enumerate() {
            let at = format!("{at}/{index}/attachments/{number}");
            attachment_id(&attachment.id, &format!("{at}/id"))?;
            if !attachment.url.starts_with("https://") {
                return Err(DecodeError::malformed(
                    format!("{at}/url"),
                    "a link must begin with https://",
                ));
            }
        }
    }
    Ok(())
}

fn attachment_id(id: &str, pointer: &str) -> Result<(), DecodeError> {
    if id.chars().count() > ATTACHMENT_ID {
        return Err(DecodeError::malformed(
            pointer,
            format!("longer than {ATTACHMENT_ID} characters"),
        ));
    }
    Ok(())
}

fn at_most(limit: usize, count: usize, pointer: &str) -> Result<(), DecodeError> {
    if count > limit {
        return Err(DecodeError::LimitExceeded(format!(
            "{pointer}: {count}, over {limit} in one message"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::samples::Desk;
    use contracts::command::{SentTag, SetBy};
    use contracts::comment::Attachment;

    #[test]
    fn what_is_over_a_limit_is_named() {
        let mut sample = Desk::sample_share("1");
        assert_eq!(share(&sample), Ok(()));
        sample.ticket.tags = vec![SentTag { name: "t".into(), added_by: SetBy::User }; TAGS + 1];
        assert!(matches!(share(&sample),
                Err(DecodeError::LimitExceeded(text)) if text.starts_with("/ticket/tags")));
    }

    #[test]
    fn a_page_is_one_that_there_can_be() {
        let list = |limit, cursor: Option<&str>| ShareList {
            limit,
            cursor: cursor.map(Into::into),
            agreement_id: None,
        };
        assert_eq!(page(&list(Some(200), Some("0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10"))), Ok(()));
        for (bad, at) in [
            (list(Some(201), None), "/limit"),
            (list(Some(0), None), "/limit"),
            (list(None, Some("2")), "/cursor"),
        ] {
            assert!(
                matches!(page(&bad), Err(DecodeError::Malformed { pointer, .. }) if pointer == at),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn links_are_https() {
        let mut sample = Desk::sample_share("1");
        sample.ticket.comments[0].attachments = vec![Attachment {
            id: "a".into(),
            filename: "f".into(),
            url: "http://x".into(),
            content_type: None,
            size: None,
        }];
        assert!(matches!(share(&sample),
                Err(DecodeError::Malformed { pointer,
                    .. }) if pointer == "/ticket/comments/0/attachments/0/url"));
    }
}
