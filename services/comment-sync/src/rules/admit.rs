//! Each comment once: a comment in a transfer is new, known here already, or somebody else's.

use contracts::{AccountName, CommentId, CopyId, Reason};

use super::draft::Draft;

/// What a published comment is to the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Nobody has published it before.
    New,
    /// The publisher's copy holds it.
    Unchanged,
    /// It is not taken, and why.
    Refused(Reason),
}

/// Judges a comment that `account` publishes from `copy`. A share's history is judged alike: what
/// came to the copy by sharing is held by it already.
pub(super) fn admit(
    comments: &Draft,
    copy: &CopyId,
    account: &AccountName,
    id: &CommentId,
) -> Admission {
    if comments.get(id).is_some() {
        return if comments.is_held(id, copy) {
            Admission::Unchanged
        } else {
            Admission::Refused(Reason::IdTaken)
        };
    }
    match id.prefix() {
        // An account's prefix is its own: nobody can take its ids before it uses them.
        Some(prefix) if prefix != account.as_str() => Admission::Refused(Reason::IdTaken),
        _ => Admission::New,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Comments;
    use super::super::samples::{account, acme_copy, first_hop, id, known};
    use super::*;

    #[test]
    fn a_comment_is_taken_in_once() {
        let comments = Comments::stored([known("acme/1", "acme", &acme_copy())]);
        assert_eq!(
            admit(&Draft::over(&comments), &acme_copy(), &account("acme"), &id("acme/1")),
            Admission::Unchanged
        );
        assert_eq!(
            admit(&Draft::over(&comments), &acme_copy(), &account("acme"), &id("acme/2")),
            Admission::New
        );
    }

    #[test]
    fn an_id_that_the_copy_never_got_belongs_to_something_else() {
        let uuid = "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10";
        let comments = Comments::stored([
            known(uuid, "acme", &acme_copy()),
            known("acme/1", "acme", &acme_copy()),
        ]);
        for taken in [uuid, "acme/1"] {
            let admission =
                admit(&Draft::over(&comments), &first_hop().far(), &account("globex"), &id(taken));
            assert_eq!(admission, Admission::Refused(Reason::IdTaken), "{taken}");
        }
    }

    #[test]
    fn an_accounts_prefix_is_its_own() {
        let comments = Comments::default();
        let draft = Draft::over(&comments);
        let admit = |text: &str| admit(&draft, &acme_copy(), &account("acme"), &id(text));
        assert_eq!(admit("globex/1"), Admission::Refused(Reason::IdTaken));
        assert_eq!(admit("acme-2/1"), Admission::Refused(Reason::IdTaken));
        for free in [
            "acme/1",
            "0b9f0a52-7c1e-4d9a-9a36-3c9f9f9d8f10",
            "ed46838bfb41461e4f3b16ba471162c8e2764260",
        ] {
            assert_eq!(admit(free), Admission::New, "{free}");
        }
    }

    #[test]
    fn r_21_history_that_came_by_sharing_is_known_to_the_copy() {
        let mut came = known("acme/1", "acme", &acme_copy());
        came.copies.insert(first_hop().far());
        let comments = Comments::stored([came]);
        assert_eq!(
            admit(&Draft::over(&comments), &first_hop().far(), &account("globex"), &id("acme/1")),
            Admission::Unchanged
        );
    }
}
