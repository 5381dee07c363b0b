//! Who may come in.

use uuid::Uuid;

use super::claims::ProvenIdentity;
use crate::role::StaffRole;

/// Somebody of the account who may be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::oidc) struct PersonStanding {
    pub person: Uuid,
    pub is_disabled: bool,
    /// Whether they signed in as another subject of the same issuer before.
    pub is_bound: bool,
}

/// Whom the account knows.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::oidc) struct KnownPeople {
    /// Who signed in as this subject before.
    pub bound: Option<PersonStanding>,
    /// Who has this address.
    pub by_email: Option<PersonStanding>,
}

/// What somebody gets whom nobody knows, and at which domains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::oidc) struct NewPeople {
    pub role: Option<StaffRole>,
    pub domains: Vec<String>,
}

/// How somebody comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::oidc) enum WayIn {
    /// As who they are.
    As(Uuid),
    /// As who has the address, from now on by their subject.
    Bind(Uuid),
    /// As somebody new.
    Add(StaffRole),
}

/// Why somebody does not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::oidc) enum NoEntry {
    NoEmail,
    Unverified,
    /// Nobody has the address, and new people are not let in, or not of its domain.
    Unknown,
    Disabled,
    /// Who has the address signs in as another subject.
    OtherSubject,
}

impl NoEntry {
    /// The end of its text's key.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoEmail => "no_email",
            Self::Unverified => "unverified",
            Self::Unknown => "unknown",
            Self::Disabled => "disabled",
            Self::OtherSubject => "other_subject",
        }
    }
}

/// Who somebody is here. A subject that is bound needs no address: addresses are given to others.
pub(in crate::oidc) fn entry(
    identity: &ProvenIdentity,
    known: KnownPeople,
    new: &NewPeople,
) -> Result<WayIn, NoEntry> {
    if let Some(bound) = known.bound {
        return if bound.is_disabled {
            Err(NoEntry::Disabled)
        } else {
            Ok(WayIn::As(bound.person))
        };
    }
    let email = identity.email.as_deref().ok_or(NoEntry::NoEmail)?;
    if !identity.email_verified {
        return Err(NoEntry::Unverified);
    }
    if let Some(person) = known.by_email {
        return match person {
            PersonStanding { is_disabled: true, .. } => Err(NoEntry::Disabled),
            PersonStanding { is_bound: true, .. } => Err(NoEntry::OtherSubject),
            PersonStanding { person, .. } => Ok(WayIn::Bind(person)),
        };
    }
    let domain = email.rsplit('@').next().unwrap_or_default();
    let is_theirs = new.domains.iter().any(|it| it.eq_ignore_ascii_case(domain));
    new.role.filter(|_| is_theirs).map(WayIn::Add).ok_or(NoEntry::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_bound_comes_in_and_others_by_a_verified_address() {
        let id = Uuid::from_u128;
        let identity = |email: Option<&str>, email_verified| ProvenIdentity {
            subject: "7".to_owned(),
            email: email.map(str::to_owned),
            email_verified,
            name: "Sam".to_owned(),
        };
        let person = |n, is_disabled, is_bound| {
            Some(PersonStanding { person: id(n), is_disabled, is_bound })
        };
        let sam = Some("sam@Acme.example");
        let known = NewPeople::default();
        let domains = vec!["acme.example".to_owned()];
        let new = NewPeople { role: Some(StaffRole::LightAgent), domains };
        let nowhere = NewPeople { role: Some(StaffRole::Agent), domains: Vec::new() };
        for (identity, bound, by_email, people, outcome) in [
            (identity(None, false), person(1, false, true), None, &known, Ok(WayIn::As(id(1)))),
            (
                identity(sam, true),
                person(1, false, true),
                person(2, false, false),
                &known,
                Ok(WayIn::As(id(1))),
            ),
            (
                identity(sam, true),
                person(1, true, true),
                person(2, false, false),
                &known,
                Err(NoEntry::Disabled),
            ),
            (identity(sam, true), None, person(2, false, false), &known, Ok(WayIn::Bind(id(2)))),
            (identity(sam, true), None, person(2, true, false), &new, Err(NoEntry::Disabled)),
            (identity(sam, true), None, person(2, false, true), &new, Err(NoEntry::OtherSubject)),
            (identity(sam, false), None, person(2, false, false), &new, Err(NoEntry::Unverified)),
            (identity(None, true), None, person(2, false, false), &new, Err(NoEntry::NoEmail)),
            (identity(sam, true), None, None, &known, Err(NoEntry::Unknown)),
            (identity(sam, true), None, None, &nowhere, Err(NoEntry::Unknown)),
            (identity(sam, true), None, None, &new, Ok(WayIn::Add(StaffRole::LightAgent))),
            (identity(sam, false), None, None, &new, Err(NoEntry::Unverified)),
            (
                identity(Some("a@acme.example@evil.example"), true),
                None,
                None,
                &new,
                Err(NoEntry::Unknown),
            ),
            (identity(Some("a@notacme.example"), true), None, None, &new, Err(NoEntry::Unknown)),
        ] {
            let told = format!("{identity:?} {bound:?} {by_email:?}");
            assert_eq!(
                entry(&identity, KnownPeople { bound, by_email }, people),
                outcome,
                "{told}"
            );
        }
    }
}
