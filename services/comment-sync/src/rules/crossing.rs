//! Whether a comment may cross a hop: by the terms, and by the direction.

use contracts::Reason;
use contracts::comment::SharedComment;
use contracts::terms::CommentTerms;

use line::HopTraversal;

use super::Settings;

/// Nothing when the comment crosses; else why it stays. A comment's visibility never
/// changes on its way: making a public comment private would say less than its author meant, the
/// reverse more.
pub(super) fn held_back(
    settings: &Settings,
    crossing: &HopTraversal,
    comment: &SharedComment,
) -> Option<Reason> {
    if !comment.public && !settings.limits_of(crossing.to_account()).private_comments {
        return Some(Reason::NoPrivateComments);
    }
    match crossing.hop.terms.comments {
        CommentTerms::PrivateOnly if !crossing.outbound && comment.public => {
            Some(Reason::PublicCommentsNotAllowed)
        }
        CommentTerms::PrivateOnly | CommentTerms::PublicAndPrivate => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{account, acme_copy, first_hop, known, under};
    use super::*;
    use contracts::command::DeskLimits;
    use contracts::sync::Hop;

    fn judged(
        terms: CommentTerms,
        crossing: fn(&Hop) -> HopTraversal,
        public: bool,
    ) -> Option<Reason> {
        let comment = SharedComment { public, ..known("acme/1", "acme", &acme_copy()).content };
        held_back(&Settings::default(), &crossing(&under(terms, first_hop())), &comment)
    }

    #[test]
    fn r_24_every_comment_public_or_private_crosses() {
        for crossing in [HopTraversal::outbound, HopTraversal::inbound] {
            for public in [true, false] {
                assert_eq!(judged(CommentTerms::PublicAndPrivate, crossing, public), None);
            }
        }
    }

    #[test]
    fn a_desk_without_private_comments_is_told_none() {
        let limits = DeskLimits { private_comments: false, ..DeskLimits::default() };
        let settings =
            Settings { limits: [(account("globex"), limits)].into(), ..Settings::default() };
        let judged = |crossing: HopTraversal, public: bool| {
            let comment = SharedComment { public, ..known("acme/1", "acme", &acme_copy()).content };
            held_back(&settings, &crossing, &comment)
        };
        let hop = first_hop();
        assert_eq!(judged(HopTraversal::outbound(&hop), false), Some(Reason::NoPrivateComments));
        assert_eq!(judged(HopTraversal::outbound(&hop), true), None);
        assert_eq!(judged(HopTraversal::inbound(&hop), false), None, "its own cross as they are");
    }

    #[test]
    fn r_53_the_receiver_may_comment_publicly() {
        assert_eq!(judged(CommentTerms::PublicAndPrivate, HopTraversal::inbound, true), None);
    }

    #[test]
    fn r_54_the_receiver_comments_privately_only() {
        assert_eq!(
            judged(CommentTerms::PrivateOnly, HopTraversal::inbound, true),
            Some(Reason::PublicCommentsNotAllowed)
        );
        assert_eq!(judged(CommentTerms::PrivateOnly, HopTraversal::inbound, false), None);
    }

    #[test]
    fn r_54_the_senders_comments_cross_as_they_are() {
        for public in [true, false] {
            assert_eq!(judged(CommentTerms::PrivateOnly, HopTraversal::outbound, public), None);
        }
    }
}
