//! Attachments: an account with secure downloads keeps them to itself; the comment itself crosses
//!

use contracts::comment::{Attachment, SharedComment};
use contracts::{AccountName, CommentId, Decision, Item, Reason};

use super::Settings;

/// Whether the attachments of `owner` stay. They do while its setting is not known: what crossed
/// cannot be called back.
pub(super) fn stay(settings: &Settings, owner: &AccountName) -> bool {
    settings.secure_downloads.get(owner).copied().unwrap_or(true)
}

/// A comment of `owner` as it may be seen elsewhere now, and what of it is not.
pub(super) fn visible(
    settings: &Settings,
    owner: &AccountName,
    mut comment: SharedComment,
) -> (SharedComment, Vec<Decision>) {
    if !stay(settings, owner) {
        return (comment, Vec::new());
    }
    let kept = std::mem::take(&mut comment.attachments);
    let decisions = kept.into_iter().map(|attachment| withheld(&comment.id, attachment)).collect();
    (comment, decisions)
}

/// Attachment ids are unique within a comment only, so the detail names the comment.
fn withheld(comment: &CommentId, attachment: Attachment) -> Decision {
    Decision::withheld(Item::Attachment(attachment.id), Reason::SecureDownloads)
        .with_detail(format!("of comment {comment}"))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{account, acme_copy, file, known};
    use super::*;

    fn seen(setting: Option<bool>) -> (SharedComment, Vec<Decision>) {
        let mut comment = known("acme/1", "acme", &acme_copy()).content;
        comment.attachments = vec![file("f1"), file("f2")];
        let secure_downloads = setting.map(|on| (account("acme"), on)).into_iter().collect();
        visible(&Settings { secure_downloads, ..Settings::default() }, &account("acme"), comment)
    }

    #[test]
    fn r_35_with_secure_downloads_attachments_stay_and_the_comment_crosses() {
        let (comment, decisions) = seen(Some(true));
        assert_eq!(comment, known("acme/1", "acme", &acme_copy()).content);
        let items: Vec<_> =
            decisions.iter().map(|decision| (decision.item.to_string(), decision.reason)).collect();
        let secure = Some(Reason::SecureDownloads);
        assert_eq!(
            items,
            [("attachment:f1".to_owned(), secure), ("attachment:f2".to_owned(), secure)]
        );
    }

    #[test]
    fn r_35_holds_until_the_setting_is_known() {
        assert_eq!(seen(None), seen(Some(true)));
    }

    #[test]
    fn r_36_without_secure_downloads_attachments_cross() {
        let (comment, decisions) = seen(Some(false));
        assert_eq!(comment.attachments, [file("f1"), file("f2")]);
        assert!(decisions.is_empty());
    }
}
