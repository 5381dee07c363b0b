//! How much one message may carry (contract part 2).

use contracts::command::{MAX_LIMIT, TicketRedact, TicketShare, TicketUpdate, page_size};
use contracts::comment::Comment;
use contracts::limits::{ATTACHMENTS, CCS, COMMENTS, FIELDS, TAGS, WHOLE_NUMBER};
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
    whole_number(update.base_revision, "/base_revision")?;
    at_most(CCS, update.ccs.as_ref().map_or(0, Vec::len), "/ccs")?;
    comments(&update.comments, "/comments")
}

/// A redaction that names a ticket, and no attachment that there cannot be.
pub(crate) fn redact(redact: &TicketRedact) -> Result<(), DecodeError> {
    names_a_ticket(redact.ticket_id.as_ref(), redact.share_id.as_ref())?;
    redact.attachment_id.as_deref().map_or(Ok(()), |id| attachment_id(id, "/attachment_id"))
}

/// A page that there can be.
pub(crate) fn page(limit: Option<u32>, cursor: Option<&str>) -> Result<(), DecodeError> {
    if page_size(limit).is_none() {
        return Err(DecodeError::malformed(
            "/limit",
            format!("a page has 1 to {MAX_LIMIT} entries"),
        ));
    }
    match cursor {
        Some(cursor) if ShareId::new(cursor).is_err() => {
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
            whole_number(attachment.size, &format!("{at}/size"))?;
        }
        let duration = comment.call.as_ref().and_then(|call| call.duration_s);
        whole_number(duration, &format!("{at}/{index}/call/duration_s"))?;
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

/// A number that every reader of JSON takes exactly. The types read more: what an earlier release
/// let in is kept.
fn whole_number(number: Option<u64>, pointer: &str) -> Result<(), DecodeError> {
    if number.is_some_and(|number| number > WHOLE_NUMBER) {
        return Err(DecodeError::malformed(pointer, format!("over {WHOLE_NUMBER}")));
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
    use crate::rules::samples::SampleDesk;
    use contracts::command::{SentTag, SetBy};
    use contracts::comment::{Attachment, Call};

    #[test]
    fn what_is_over_a_limit_is_named() {
        let mut sample = SampleDesk::sample_share("1");
        assert_eq!(share(&sample), Ok(()));
        sample.ticket.tags = vec![SentTag { name: "t".into(), added_by: SetBy::User }; TAGS + 1];
        assert!(matches!(share(&sample),
                Err(DecodeError::LimitExceeded(text)) if text.starts_with("/ticket/tags")));
    }

    #[test]
    fn a_page_is_one_that_there_can_be() {
        assert_eq!(page(Some(200), Some("0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10")), Ok(()));
        for (limit, cursor, at) in
            [(Some(201), None, "/limit"), (Some(0), None, "/limit"), (None, Some("2"), "/cursor")]
        {
            let refused = page(limit, cursor);
            assert!(
                matches!(&refused, Err(DecodeError::Malformed { pointer, .. }) if pointer == at),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn numbers_are_such_as_every_reader_takes_exactly() {
        let flawed = |change: fn(&mut TicketShare, u64), number: u64| {
            let mut sample = SampleDesk::sample_share("1");
            sample.ticket.comments[0].attachments = vec![Attachment {
                id: "a".into(),
                filename: "f".into(),
                url: "https://x.example/".into(),
                content_type: None,
                size: None,
            }];
            change(&mut sample, number);
            match share(&sample) {
                Err(DecodeError::Malformed { pointer, .. }) => Some(pointer),
                other => other.map_or_else(|error| panic!("{error}"), |()| None),
            }
        };
        let size = |share: &mut TicketShare, number| {
            share.ticket.comments[0].attachments[0].size = Some(number);
        };
        let duration = |share: &mut TicketShare, number| {
            let call = Call { duration_s: Some(number), ..Call::default() };
            share.ticket.comments[0].call = Some(call);
        };
        let at = "/ticket/comments/0";
        for (number, is_flawed) in [(0, false), (WHOLE_NUMBER, false), (WHOLE_NUMBER + 1, true)] {
            let place = |member: &str| is_flawed.then(|| format!("{at}/{member}"));
            assert_eq!(flawed(size, number), place("attachments/0/size"));
            assert_eq!(flawed(duration, number), place("call/duration_s"));
            assert_eq!(whole_number(Some(number), "/x").is_err(), is_flawed);
        }
    }
}
