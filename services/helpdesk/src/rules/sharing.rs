//! What may be shared, with whom, and what a share forbids.

use contracts::delivery::{AgreementState, AgreementStatus, Side};
use contracts::fields::Status;
use contracts::terms::{CommentTerms, Terms};

use super::ticket::Ticket;

/// An agreement as one of its parties knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// Which.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Which party this account is.
    pub side: Side,
    /// Where it stands.
    pub status: AgreementStatus,
    /// The other party's account.
    pub partner: String,
    /// How the other party calls itself.
    pub partner_name: String,
    /// What may cross.
    pub terms: Terms,
    /// Where no mail may go.
    pub support_addresses: Vec<String>,
}

impl From<AgreementState> for Agreement {
    fn from(state: AgreementState) -> Self {
        let partner = if state.side == Side::Sender { state.receiver } else { state.sender };
        Self {
            id: state.agreement_id.to_string(),
            name: state.name.unwrap_or_else(|| partner.display_name.clone()),
            side: state.side,
            status: state.status,
            partner: partner.account.to_string(),
            partner_name: partner.display_name,
            terms: state.terms,
            support_addresses: state.partner_support_addresses,
        }
    }
}

impl Agreement {
    /// Whether this account may share under it.
    #[must_use]
    pub fn lets_share(&self) -> bool {
        self.side == Side::Sender && self.status == AgreementStatus::Accepted
    }

    /// How people choose it: the partner, and the agreement's name where it has one of its own.
    #[must_use]
    pub fn label(&self) -> String {
        if self.name == self.partner_name {
            self.partner_name.clone()
        } else {
            format!("{} · {}", self.partner_name, self.name)
        }
    }

    /// Whether the receiver may answer publicly and set the status.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.terms.comments == CommentTerms::PublicAndPrivate
    }
}

/// A share of a ticket, as one of its parties knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// Which.
    pub id: String,
    /// Which party this account is; not known yet before its receipt.
    pub side: Side,
    /// Whether both copies are kept in step.
    pub live: bool,
    /// The agreement.
    pub agreement: Option<Agreement>,
    /// The other party's account.
    pub partner: String,
    /// How the other party calls itself.
    pub partner_name: String,
    /// The partner's number, where it is told.
    pub partner_number: Option<String>,
}

/// Why a ticket is not shared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoShare {
    ///
    #[error("a closed ticket cannot be shared")]
    Closed,
    ///
    #[error("it is shared with {0} already: unshare it first")]
    Already(String),
    ///
    #[error("no accepted agreement lets you share with them")]
    NoAgreement,
    /// It would come back.
    #[error("it came from {0}")]
    CameFromThere(String),
}

/// Whether a ticket may be shared under an agreement, and which that is.
///
/// # Errors
/// Why not.
pub fn may_share<'a>(
    ticket: &Ticket,
    agreement: &str,
    agreements: &'a [Agreement],
) -> Result<&'a Agreement, NoShare> {
    if ticket.status == Status::Closed {
        return Err(NoShare::Closed);
    }
    if let Some(partner) = &ticket.sent_to {
        let named = agreements.iter().find(|it| it.partner == *partner);
        let name = named.map_or(partner, |it| &it.partner_name);
        return Err(NoShare::Already(name.clone()));
    }
    let found = agreements.iter().find(|it| it.id == agreement && it.lets_share());
    let found = found.ok_or(NoShare::NoAgreement)?;
    if ticket.received_from.as_ref() == Some(&found.partner) {
        return Err(NoShare::CameFromThere(found.partner_name.clone()));
    }
    Ok(found)
}

/// What a ticket's page has in place of *Share with*.
#[derive(Clone, Debug, PartialEq)]
pub enum ShareField<'a> {
    /// Nothing at all: no agreement lets the account share.
    Absent,
    /// A sentence.
    Refused(NoShare),
    /// One of these, at most.
    Choice(Vec<&'a Agreement>),
}

/// The share field of a ticket.
#[must_use]
pub fn share_field<'a>(ticket: &Ticket, agreements: &'a [Agreement]) -> ShareField<'a> {
    let outgoing: Vec<&Agreement> = agreements.iter().filter(|it| it.lets_share()).collect();
    if outgoing.is_empty() {
        return ShareField::Absent;
    }
    let answers: Vec<_> = outgoing.iter().map(|it| may_share(ticket, &it.id, agreements)).collect();
    let open: Vec<&Agreement> = answers.iter().filter_map(|it| it.as_ref().ok().copied()).collect();
    match answers.into_iter().find_map(Result::err) {
        Some(why) if open.is_empty() => ShareField::Refused(why),
        _ => ShareField::Choice(open),
    }
}

/// Whether this account may end a share: only of what it sent.
#[must_use]
pub fn may_unshare(share: &Share) -> bool {
    share.live && share.side == Side::Sender
}

/// The partner of the live share that keeps a ticket from being merged.
#[must_use]
pub fn keeps_from_merging(shares: &[Share]) -> Option<&str> {
    shares.iter().find(|share| share.live).map(|share| share.partner_name.as_str())
}

/// What comes to an end when the account takes another address: every agreement that is pending or
/// accepted.
#[must_use]
pub fn ended_by_rename(agreements: &[Agreement]) -> Vec<&Agreement> {
    let open = [AgreementStatus::Pending, AgreementStatus::Accepted];
    agreements.iter().filter(|it| open.contains(&it.status)).collect()
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    /// An accepted agreement to share under.
    pub fn agreement(id: &str, partner: &str) -> Agreement {
        Agreement {
            id: id.to_owned(),
            name: format!("With {partner}"),
            side: Side::Sender,
            status: AgreementStatus::Accepted,
            partner: partner.to_owned(),
            partner_name: partner.to_uppercase(),
            terms: Terms {
                comments: CommentTerms::PublicAndPrivate,
                tags: true,
                custom_fields: true,
            },
            support_addresses: Vec::new(),
        }
    }

    /// A live share under it.
    pub fn share(side: Side, agreement: Agreement) -> Share {
        let partner = agreement.partner.clone();
        let partner_name = agreement.partner_name.clone();
        let agreement = Some(Agreement { side, ..agreement });
        Share {
            id: "s".to_owned(),
            side,
            live: true,
            agreement,
            partner,
            partner_name,
            partner_number: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{agreement, share};
    use super::*;

    #[test]
    fn r_11_no_share_field_where_all_agreements_are_incoming() {
        let ticket = Ticket::new(1, "Pump", "p");
        let out = agreement("a", "globex");
        assert!(matches!(share_field(&ticket, std::slice::from_ref(&out)), ShareField::Choice(_)));
        let others = [
            Agreement { side: Side::Receiver, ..out.clone() },
            Agreement { status: AgreementStatus::Pending, ..out.clone() },
            Agreement { status: AgreementStatus::Declined, ..out.clone() },
            Agreement { status: AgreementStatus::Inactive, ..out },
        ];
        assert_eq!(share_field(&ticket, &others), ShareField::Absent);
    }

    #[test]
    fn r_12_only_what_was_sent_is_unshared() {
        let sent = share(Side::Sender, agreement("a", "globex"));
        assert!(may_unshare(&sent));
        assert!(!may_unshare(&share(Side::Receiver, agreement("a", "acme"))));
        assert!(!may_unshare(&Share { live: false, ..sent }));
    }

    #[test]
    fn r_13_and_r_14_one_partner_at_a_time_also_of_what_was_received() {
        let agreements = [agreement("a", "globex"), agreement("b", "initech")];
        let mut ticket = Ticket::new(1, "Pump", "p");
        ticket.received_from = Some("globex".to_owned());
        let field = share_field(&ticket, &agreements);
        assert_eq!(field, ShareField::Choice(vec![&agreements[1]]), "not back where it came from");
        ticket.sent_to = Some("initech".to_owned());
        let refused = ShareField::Refused(NoShare::Already("INITECH".to_owned()));
        assert_eq!(share_field(&ticket, &agreements), refused);
    }

    #[test]
    fn r_26_a_closed_ticket_is_never_offered() {
        let mut ticket = Ticket::new(1, "Pump", "p");
        ticket.status = Status::Closed;
        let field = ShareField::Refused(NoShare::Closed);
        assert_eq!(share_field(&ticket, &[agreement("a", "globex")]), field);
    }

    #[test]
    fn r_01_nothing_is_shared_without_an_accepted_agreement() {
        let ticket = Ticket::new(1, "Pump", "p");
        let pending = Agreement { status: AgreementStatus::Pending, ..agreement("a", "globex") };
        for (id, agreements) in [("a", [pending]), ("b", [agreement("a", "globex")])] {
            assert_eq!(may_share(&ticket, id, &agreements), Err(NoShare::NoAgreement));
        }
    }

    #[test]
    fn r_27_a_ticket_in_a_live_share_is_not_merged() {
        let live = share(Side::Receiver, agreement("a", "acme"));
        assert_eq!(keeps_from_merging(std::slice::from_ref(&live)), Some("ACME"));
        assert_eq!(keeps_from_merging(&[Share { live: false, ..live }]), None);
    }

    #[test]
    fn r_17_a_rename_ends_what_is_pending_or_accepted() {
        let accepted = agreement("a", "globex");
        let all = [
            Agreement { status: AgreementStatus::Pending, ..accepted.clone() },
            Agreement { status: AgreementStatus::Declined, ..accepted.clone() },
            Agreement { status: AgreementStatus::Inactive, ..accepted.clone() },
            accepted,
        ];
        assert_eq!(ended_by_rename(&all), [&all[0], &all[3]]);
    }
}
