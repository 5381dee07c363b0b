//! The ground that all rows share: an attacker, its partner, and a stranger who shares with that
//! partner.

use std::collections::BTreeMap;

use contracts::delivery::{AgreementState, DeliveryBody, ShareState};
use contracts::{AgreementId, Receipt, ShareId};
use futures_util::future::join_all;
use lapin::BasicProperties;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use testkit::desk::{PATIENCE, clock};
use testkit::{Desk, until};
use tokio::sync::OnceCell;

use super::rogue::Rogue;
use crate::context::{ConformanceContext, admin, agent, applied, everything, with};

/// The schemas in which a command can be parked.
const ENTRIES: [&str; 2] = ["agreement_service", "share_dispatcher"];
/// The attacker's shared ticket.
pub const TICKET: &str = "1";
/// The partner's own ticket, which the attacker knows nothing of.
pub const HIDDEN_TICKET: &str = "77";

static GROUND: OnceCell<AttackFixture> = OnceCell::const_new();

/// Three accounts. What `globex` shares with `initech` is none of `acme`'s business.
#[derive(Debug)]
pub struct AttackFixture {
    /// The attacker.
    pub acme: Desk,
    /// Its partner.
    pub globex: Desk,
    /// A stranger to it.
    pub initech: Desk,
    /// `acme` may share with `globex`.
    pub agreement: AgreementId,
    /// `acme`'s ticket [`TICKET`] at `globex`.
    pub share: ShareId,
    /// `globex` may share with `initech`.
    pub hidden_agreement: AgreementId,
    /// `initech` has not decided about this one.
    pub pending_agreement: AgreementId,
    /// `globex`'s ticket [`HIDDEN_TICKET`] at `initech`.
    pub hidden_share: ShareId,
    /// A comment of `globex`'s on it.
    pub hidden_comment: String,
    before: [Before; 2],
}

/// What a bystander had when the attacks began.
#[derive(Debug)]
struct Before {
    deliveries: usize,
    agreements: BTreeMap<AgreementId, AgreementState>,
    shares: BTreeMap<ShareId, ShareState>,
}

/// One row of the table while it runs.
pub struct Row {
    pub context: ConformanceContext,
    pub ground: &'static AttackFixture,
    /// In every body that this row sends.
    pub marker: String,
}

/// Begins a row.
pub async fn row(context: ConformanceContext) -> Row {
    let ground = GROUND.get_or_init(|| AttackFixture::prepare(&context)).await;
    let marker = format!("marker-{}-", context.number());
    Row { context, ground, marker }
}

impl AttackFixture {
    async fn prepare(context: &ConformanceContext) -> Self {
        let [acme, globex, initech] = context.desks(["acme", "globex", "initech"]).await;
        let agreement = context.agree(&acme, &globex, everything()).await;
        let hidden_agreement = context.agree(&globex, &initech, everything()).await;
        let (receipt, pending_agreement) = context.invite(&globex, &initech, everything()).await;
        applied(&receipt);
        let share = context.shared(&acme, &globex, &agreement, TICKET).await;
        let hidden_share =
            context.shared(&globex, &initech, &hidden_agreement, HIDDEN_TICKET).await;
        let comment = context.comment(&globex, "Between us.", true);
        applied(&context.update(&globex, HIDDEN_TICKET, json!({ "comments": [comment] })).await);
        let hidden_comment = comment["id"].as_str().expect("a comment's id").to_owned();
        let before = [Before::of(context, &globex).await, Before::of(context, &initech).await];
        Self {
            acme,
            globex,
            initech,
            agreement,
            share,
            hidden_agreement,
            pending_agreement,
            hidden_share,
            hidden_comment,
            before,
        }
    }
}

impl Before {
    async fn of(context: &ConformanceContext, desk: &Desk) -> Self {
        let (agreements, shares) = lists(context, desk).await;
        Self { deliveries: desk.with_deliveries(<[_]>::len), agreements, shares }
    }
}

/// Both lists of an account, by id: rows that run at the same time ask for them too.
async fn lists(
    context: &ConformanceContext,
    desk: &Desk,
) -> (BTreeMap<AgreementId, AgreementState>, BTreeMap<ShareId, ShareState>) {
    let (agreements, shares) = (context.agreements(desk).await, context.shares(desk).await);
    let agreements =
        agreements.into_iter().map(|state| (state.agreement_id.clone(), state)).collect();
    (agreements, shares.into_iter().map(|state| (state.share_id.clone(), state)).collect())
}

impl Row {
    /// Logs in as the attacker, beside its desk.
    pub async fn rogue(&self) -> Rogue {
        Rogue::log_in(
            &self.context.broker_url(&self.ground.acme.account),
            self.ground.acme.account.as_str(),
        )
        .await
    }

    /// A key of the attacker's own.
    pub fn key(&self, rest: &str) -> String {
        format!("{}.{rest}", self.ground.acme.account)
    }

    /// An update of the attacker's shared ticket by a comment with the marker, and `changes` to it:
    /// were it decided, the partner would see the marker.
    pub fn update(&self, changes: &Value) -> Value {
        let comment = self.context.comment(&self.ground.acme, &self.marker, true);
        let update = json!({ "ticket_id": TICKET, "actor": agent(), "occurred_at": clock(),
            "comments": [comment] });
        with(update, changes)
    }

    /// Asks as the attacker.
    pub async fn ask(&self, message_type: &str, content: &Value) -> Receipt {
        self.ground.acme.ask(message_type, content).await
    }

    /// Asks several things at once: a refusal that waits for what may still come takes seconds.
    pub async fn ask_all(&self, commands: &[(&str, Value)]) -> Vec<Receipt> {
        join_all(commands.iter().map(|(message_type, content)| self.ask(message_type, content)))
            .await
    }

    /// Sends an update with other bytes in its body.
    pub async fn raw_update(&self, body: &[u8]) -> Receipt {
        self.changed_update(body, |properties| properties).await
    }

    /// Sends an update with other properties.
    pub async fn changed_update(
        &self,
        body: &[u8],
        change: impl FnOnce(BasicProperties) -> BasicProperties,
    ) -> Receipt {
        let (acme, id) = (&self.ground.acme, self.ground.acme.next_id());
        acme.publish(&self.key("ticket.update"), "ticket.update.v1", &id, body, change)
            .await
            .expect("the broker takes it");
        acme.receipt(&id).await
    }

    /// Waits until a command is parked, and says why.
    pub async fn parked(&self, message_id: &str) -> String {
        let url = self
            .context
            .with_stage(|stage| stage.database.url())
            .expect("the database has an address");
        let mut database = PgConnection::connect(&url).await.expect("the database answers");
        let query = ENTRIES
            .map(|schema| format!("select reason from {schema}.parked where message_id = $1"))
            .join(" union ");
        until(&format!("{message_id} among the parked messages"), PATIENCE, async || {
            let reason: Option<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query.as_str()))
                .bind(message_id)
                .fetch_optional(&mut database)
                .await
                .expect("the database answers");
            reason.ok_or_else(|| "nothing".to_owned())
        })
        .await
    }

    /// Waits until a delivery to an account's desk waits for a queue.
    pub async fn undelivered(&self, account: &str) {
        let url = self
            .context
            .with_stage(|stage| stage.database.url())
            .expect("the database has an address");
        let mut database = PgConnection::connect(&url).await.expect("the database answers");
        until(&format!("a delivery to {account} that waits"), PATIENCE, async || {
            let count: i64 = sqlx::query_scalar(
                "select count(*) from share_dispatcher.undelivered where account = $1",
            )
            .bind(account)
            .fetch_one(&mut database)
            .await
            .expect("the database answers");
            if count > 0 { Ok(()) } else { Err("none".to_owned()) }
        })
        .await;
    }

    /// The system still answers the attacker, and the others have seen nothing of this row: no
    /// delivery but what they asked for themselves and the attacker's note that ends each row; not
    /// the marker; and their lists are what they were.
    pub async fn ends_unseen(self) {
        let ground = self.ground;
        self.context.heard(&ground.globex, &ground.acme, &ground.share).await;
        for (desk, before) in [&ground.globex, &ground.initech].into_iter().zip(&ground.before) {
            let (agreements, shares) = lists(&self.context, desk).await;
            assert_eq!(agreements, before.agreements, "the agreements of {}", desk.account);
            assert_eq!(shares, before.shares, "the shares of {}", desk.account);
            let later = desk.deliveries().split_off(before.deliveries);
            let unexpected: Vec<_> = later
                .iter()
                .filter(|delivered| !is_harmless(ground, desk, &delivered.told))
                .collect();
            assert!(unexpected.is_empty(), "deliveries at {}: {unexpected:?}", desk.account);
            let marked: Vec<String> =
                desk.bodies().into_iter().filter(|body| body.contains(&self.marker)).collect();
            assert_eq!(marked, Vec::<String>::new(), "the marker at {}", desk.account);
            assert_eq!(
                desk.repeated_and_unreadable().1,
                Vec::<String>::new(),
                "unreadable deliveries at {}",
                desk.account
            );
        }
    }
}

/// What a bystander gets without any attack.
fn is_harmless(ground: &AttackFixture, desk: &Desk, told: &DeliveryBody) -> bool {
    match told {
        DeliveryBody::Receipt(receipt) => desk.sent_at(&receipt.command_id).is_some(),
        DeliveryBody::AgreementState(_) | DeliveryBody::ShareState(_) => true,
        DeliveryBody::TicketUpdated(updated) => {
            let note_alone = updated
                .comments
                .iter()
                .all(|comment| !comment.public && comment.body.starts_with("Nothing else"));
            desk.account == ground.globex.account
                && updated.share_id == ground.share
                && note_alone
                && updated.status.is_none()
        }
        _ => false,
    }
}

/// An administrator's word on an agreement, as content.
pub fn word_on(agreement: &AgreementId) -> Value {
    json!({ "agreement_id": agreement, "actor": admin() })
}
