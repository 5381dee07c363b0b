//! Status and custom status: only the category crosses.

use contracts::Reason;
use contracts::fields::{Status, StatusValue};
use contracts::sync::StatusChange;

use super::Withheld;
use super::schema::Schema;

/// The category that a category arrives as: on-hold is the one account's own business.
#[must_use]
pub fn image_of_category(category: Status) -> Status {
    match category {
        Status::Hold => Status::Open,
        other => other,
    }
}

/// What a status arrives as in an account: the image of its category, with the account's default
/// custom status of that category where it uses custom statuses. Of an account nothing is
/// known of, it arrives as a plain status.
#[must_use]
pub fn image(held: &StatusValue, receiver: Option<&Schema>) -> StatusValue {
    let value = image_of_category(held.value);
    let statuses =
        receiver.map(|schema| &schema.custom_statuses).filter(|statuses| statuses.enabled);
    let default = statuses.and_then(|known| {
        known.statuses.iter().find(|status| status.category == value && status.default)
    });
    StatusValue { value, custom_status: default.map(|status| status.key.clone()) }
}

/// Whether two copies agree: the one's category is the image of the other's. Only a change of
/// category is sent.
#[must_use]
pub fn agree(one: &StatusValue, other: &StatusValue) -> bool {
    image_of_category(one.value) == other.value || image_of_category(other.value) == one.value
}

/// Why a status that crossed is not what was sent; nothing where it is.
#[must_use]
pub fn why_mapped(held: &StatusValue, image: &StatusValue) -> Option<Reason> {
    if held.value == Status::Hold {
        Some(Reason::OnHoldMapsToOpen)
    } else if held.custom_status.is_some() || image.custom_status.is_some() {
        Some(Reason::CategoryMapped)
    } else {
        None
    }
}

/// The status that a publisher's ticket holds after its own change. A custom status alone stands
/// for its category. Where the account is not known to use custom statuses, the one it sent is left
/// out.
///
/// # Errors
/// A custom status that the account does not have, or that is not of the category given.
pub fn own(change: &StatusChange, publisher: Option<&Schema>) -> Result<StatusValue, Withheld> {
    let statuses =
        publisher.map(|schema| &schema.custom_statuses).filter(|statuses| statuses.enabled);
    let (Some(key), Some(statuses)) = (&change.custom_status, statuses) else {
        return match change.status {
            Some(value) => Ok(StatusValue { value, custom_status: None }),
            None => Err(Withheld::with_detail(
                Reason::NoSuchStatus,
                "the publisher's account is not known to use custom statuses, and no status is \
                 given",
            )),
        };
    };
    let refused = |detail: String| Withheld::with_detail(Reason::NoSuchStatus, detail);
    let known = statuses.statuses.iter().find(|status| status.key == *key);
    let known = known
        .ok_or_else(|| refused(format!("the publisher's account has no custom status {key:?}")))?;
    match change.status {
        Some(given) if given != known.category => Err(refused(format!(
            "the publisher's custom status {key:?} is not of the category that is given with it"
        ))),
        _ => Ok(StatusValue { value: known.category, custom_status: Some(key.clone()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::{account, with_statuses};
    use super::*;

    const ALL: [Status; 6] =
        [Status::New, Status::Open, Status::Pending, Status::Hold, Status::Solved, Status::Closed];

    fn plain(value: Status) -> StatusValue {
        StatusValue { value, custom_status: None }
    }

    fn custom(value: Status, key: &str) -> StatusValue {
        StatusValue { value, custom_status: Some(key.into()) }
    }

    fn without() -> Schema {
        Schema::new(account("globex", vec![]))
    }

    /// `<category>-a` and, as the default, `<category>-b`.
    fn with() -> Schema {
        Schema::new(with_statuses(account("globex", vec![])))
    }

    #[test]
    fn r_48_hold_arrives_as_open() {
        assert_eq!(image(&plain(Status::Hold), Some(&without())), plain(Status::Open));
        assert_eq!(
            why_mapped(&plain(Status::Hold), &plain(Status::Open)),
            Some(Reason::OnHoldMapsToOpen)
        );
    }

    #[test]
    fn r_48_hold_here_and_open_there_agree_both_ways() {
        assert!(agree(&plain(Status::Hold), &plain(Status::Open)));
        assert!(agree(&plain(Status::Open), &plain(Status::Hold)));
        assert!(!agree(&plain(Status::Hold), &plain(Status::Pending)));
        assert!(!agree(&plain(Status::Hold), &plain(Status::Hold)), "hold is nobody's image");
    }

    #[test]
    fn r_49a_statuses_match_one_to_one() {
        for status in ALL.into_iter().filter(|status| *status != Status::Hold) {
            let arrived = image(&plain(status), Some(&without()));
            assert_eq!(arrived, plain(status));
            assert_eq!(why_mapped(&plain(status), &arrived), None);
        }
    }

    #[test]
    fn r_49b_a_custom_status_arrives_as_its_category() {
        let arrived = image(&custom(Status::Pending, "waiting"), Some(&without()));
        assert_eq!(arrived, plain(Status::Pending));
        assert_eq!(
            why_mapped(&custom(Status::Pending, "waiting"), &arrived),
            Some(Reason::CategoryMapped)
        );
    }

    #[test]
    fn r_49c_a_status_arrives_as_the_default_of_its_category() {
        let arrived = image(&plain(Status::Pending), Some(&with()));
        assert_eq!(arrived, custom(Status::Pending, "pending-b"));
        assert_eq!(why_mapped(&plain(Status::Pending), &arrived), Some(Reason::CategoryMapped));
    }

    #[test]
    fn r_49d_an_identical_custom_status_arrives_as_its_categorys_default() {
        assert_eq!(
            image(&custom(Status::Pending, "pending-a"), Some(&with())),
            custom(Status::Pending, "pending-b")
        );
    }

    #[test]
    fn r_49_a_category_without_a_default_arrives_without_a_custom_status() {
        assert_eq!(image(&plain(Status::Closed), Some(&with())), plain(Status::Closed));
    }

    #[test]
    fn r_50_a_custom_status_of_the_hold_category_arrives_as_open() {
        assert_eq!(image(&custom(Status::Hold, "vendor"), Some(&without())), plain(Status::Open));
        assert_eq!(
            image(&custom(Status::Hold, "vendor"), Some(&with())),
            custom(Status::Open, "open-b")
        );
        assert_eq!(
            why_mapped(&custom(Status::Hold, "vendor"), &plain(Status::Open)),
            Some(Reason::OnHoldMapsToOpen)
        );
    }

    #[test]
    fn r_49_another_custom_status_of_the_same_category_is_no_change() {
        assert!(agree(&custom(Status::Pending, "waiting"), &custom(Status::Pending, "pending-b")));
    }

    #[test]
    fn an_own_custom_status_has_to_exist_and_to_fit() {
        let change =
            |status, key: Option<&str>| StatusChange { status, custom_status: key.map(Into::into) };
        let known = with();
        let fitting = own(&change(Some(Status::Pending), Some("pending-a")), Some(&known));
        assert_eq!(fitting, Ok(custom(Status::Pending, "pending-a")));
        assert_eq!(
            own(&change(None, Some("pending-a")), Some(&known)),
            fitting,
            "a custom status stands for its category"
        );
        for (status, key) in
            [(Some(Status::Open), "pending-a"), (None, "nothing"), (Some(Status::Open), "nothing")]
        {
            let refused = own(&change(status, Some(key)), Some(&known)).unwrap_err();
            assert_eq!(refused.reason, Reason::NoSuchStatus);
        }
        for unknown in [None, Some(&without())] {
            assert_eq!(
                own(&change(Some(Status::Open), Some("x")), unknown),
                Ok(plain(Status::Open))
            );
            assert_eq!(
                own(&change(None, Some("x")), unknown).unwrap_err().reason,
                Reason::NoSuchStatus
            );
        }
    }
}
