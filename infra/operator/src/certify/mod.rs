//! `certify`: plays a partner against somebody's desk, and says what the desk does wrong.
//!
//! [`gate`] stands between Deskmesh and the desk, [`bench`] has the partner and what all checks
//! need, [`checks`] are the checks; what a desk holds is read by [`held`] and judged by [`judge`],
//! which are functions of values.

mod bench;
mod checks;
mod door;
mod gate;
mod held;
mod judge;
mod outward;
mod report;
mod setup;

use std::time::Duration;

use contracts::command::{AccountKind, AccountRegister};
use contracts::delivery::AccountState;
use contracts::fields::FieldType;
use contracts::{AccountName, AgreementId, Receipt, ReceiptOutcome};
use serde_json::json;

use crate::account::{AccountAdmin, account_name};
use crate::desk::{OperatorDesk, chance};
use crate::error::Result;
use crate::secret;
use bench::{Bench, Field, actor, unexpected};
use gate::Gate;

pub use checks::names;
pub use door::{DeskUnderTest, Door, Program, Restart};
pub use report::{Check, Checked, Outcome, Report};

/// How a desk is certified.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose desk.
    pub account: AccountName,
    /// The address with which its partner logs in, see [`partner`].
    pub partner: String,
    /// How long the desk may take to hold what it was told.
    pub patience: Duration,
    /// How long Deskmesh may take to answer.
    pub limit: Duration,
    /// Only these checks; all where none is named.
    pub only: Vec<String>,
    /// For the order of the check `any_order`.
    pub seed: u64,
}

/// Adds the account that plays the partner, if it is not there; returns the address with which it
/// logs in. It gets another password each time.
///
/// # Errors
/// Broker or services refuse or do not answer.
pub async fn partner(doors: &AccountAdmin, name: &str) -> Result<String> {
    let (account, password) = (account_name(name)?, secret::new_password());
    let registration = AccountRegister {
        account: account.to_string(),
        address: None,
        display_name: "Certifier".to_owned(),
        kind: AccountKind::Connected,
        operated_by: None,
        may_operate: false,
        third_parties: false,
        sharing_url: None,
        admins: Vec::new(),
    };
    doors.add(&registration, Some(&password)).await?;
    doors.url_of(account.as_str(), &password)
}

/// Certifies a desk. Meanwhile all that its account is told comes through here; at the end the
/// broker is as it was.
///
/// # Errors
/// Broker, services or desk refuse or do not answer: nothing is known about the desk.
pub async fn certify<D: DeskUnderTest>(
    doors: &AccountAdmin,
    settings: &Settings,
    desk: &mut D,
) -> Result<Report> {
    let partner = OperatorDesk::open(&settings.partner, "certify").await?;
    let gate = Gate::open(doors, &settings.account, settings.limit).await?;
    let no_agreement = AgreementId::new(chance().to_string());
    let mut bench = Bench {
        gate,
        partner,
        desk,
        agreement: no_agreement.map_err(|error| unexpected("an id", &error.to_string()))?,
        outward: None,
        field: None,
        limit: settings.limit,
        patience: settings.patience,
        seed: settings.seed,
        shares: Vec::new(),
        changes: Vec::new(),
        said: Vec::new(),
    };
    let played = play(&mut bench, &settings.only).await;
    let ended = end(&mut bench).await;
    let Bench { gate, partner, .. } = bench;
    let closed = gate.close().await;
    partner.close().await;
    let checks = played?;
    ended?;
    closed?;
    Ok(Report { account: settings.account.to_string(), seed: settings.seed, checks })
}

/// Puts the broker back as it was, after a run that was broken off.
///
/// # Errors
/// The broker refuses or does not answer.
pub fn undo(doors: &AccountAdmin, account: &AccountName) -> Result<()> {
    let diverted = setup::Diverted::prepare(doors, account)?;
    diverted.open_the_direct_way()?;
    diverted.remove()
}

async fn play<D: DeskUnderTest>(bench: &mut Bench<'_, D>, only: &[String]) -> Result<Vec<Checked>> {
    let account = bench.gate.account().await?;
    bench.field = share_a_field(bench, &account).await?;
    agree(bench, &account.address).await?;
    checks::play(bench, only).await
}

/// A text field that the desk has on its default form, at the partner as well.
async fn share_a_field<D: DeskUnderTest>(
    bench: &mut Bench<'_, D>,
    account: &AccountState,
) -> Result<Option<Field>> {
    let shown = |key: &String| account.default_form.as_ref().is_none_or(|form| form.contains(key));
    let alone = |title: &str| {
        let same = account.ticket_fields.iter();
        same.filter(|field| field.title.eq_ignore_ascii_case(title)).count() == 1
    };
    let found = account.ticket_fields.iter().find(|field| {
        field.field_type == FieldType::Text && shown(&field.key) && alone(&field.title)
    });
    let Some(theirs) = found else { return Ok(None) };
    let field = Field { key: "certified".to_owned(), title: theirs.title.clone() };
    let update = json!({ "actor": admin(&bench.partner.account), "default_form": [field.key],
        "ticket_fields": [{ "key": field.key, "title": field.title, "type": "text" }] });
    must_be_done("registering a field", &bench.ask("account.update.v1", &update).await?)?;
    Ok(Some(field))
}

/// An agreement under which everything crosses, accepted in the desk's name.
async fn agree<D: DeskUnderTest>(bench: &mut Bench<'_, D>, address: &str) -> Result<()> {
    let invite = json!({ "agreement_id": bench.agreement, "receiver": { "address": address },
        "name": "Certification", "actor": admin(&bench.partner.account),
        "terms": { "comments": "public_and_private", "tags": true, "custom_fields": true } });
    must_be_done("inviting the desk", &bench.ask("agreement.invite.v1", &invite).await?)?;
    let accept = json!({ "agreement_id": bench.agreement, "actor": admin(&bench.partner.account) });
    let accepted = bench.gate.ask_for("agreement.accept.v1", &accept).await?;
    must_be_done("accepting in the desk's name", &accepted)
}

/// Ends what was begun, so that the next run finds nothing of it.
async fn end<D: DeskUnderTest>(bench: &mut Bench<'_, D>) -> Result<()> {
    let deactivate = json!({ "agreement_id": bench.agreement,
        "actor": admin(&bench.partner.account) });
    bench.ask("agreement.deactivate.v1", &deactivate).await?;
    bench.end_outward().await
}

fn admin(account: &AccountName) -> serde_json::Value {
    let mut admin = actor(account);
    admin["role"] = json!("admin");
    admin
}

fn must_be_done(what: &str, receipt: &Receipt) -> Result<()> {
    if receipt.outcome == ReceiptOutcome::Applied {
        return Ok(());
    }
    let reason = receipt.reason.as_ref().map(ToString::to_string).unwrap_or_default();
    let detail = receipt.detail.as_deref().unwrap_or_default();
    Err(unexpected(what, &format!("{:?}: {reason} {detail}", receipt.outcome)))
}
