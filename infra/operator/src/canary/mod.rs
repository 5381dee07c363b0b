//! A canary: two accounts of the deployment's own share a ticket, comment on it and end the share,
//! as any two partners do.
//!
//! Nothing is kept between rounds. Whoever reads the first account's queue has the turn; another
//! round waits for it. What a killed round left open is ended by the next one.

mod metrics;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use contracts::address::Invitee;
use contracts::command::{
    AgreementAccept, AgreementInvite, SharedTicket, TicketShare, TicketUnshare, TicketUpdate,
};
use contracts::comment::Comment;
use contracts::delivery::DeliveryBody;
use contracts::fields::{SentFields, Status};
use contracts::ids::derive_id;
use contracts::terms::CommentTerms;
use contracts::{
    AccountName, Actor, AgreementId, CommentId, Reason, Receipt, ReceiptOutcome, Role, ShareId,
    Terms, TicketId, Timestamp,
};
use tokio::time::timeout;

use crate::desk::{OperatorDesk, chance};
use crate::error::{Error, Result};

pub use metrics::write as write_metrics;

/// How long the end of a share may take that is only tidied up.
const TIDY_LIMIT: Duration = Duration::from_secs(5);
const SECONDS_A_DAY: u64 = 86_400;

/// What took how long, in the order in which it was done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steps(pub Vec<(&'static str, Duration)>);

impl std::fmt::Display for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, (step, took)) in self.0.iter().enumerate() {
            let gap = if at == 0 { "" } else { " " };
            write!(f, "{gap}{step} {:.3}s", took.as_secs_f64())?;
        }
        Ok(())
    }
}

/// Plays one round; `steps` tells, also after an error, how far it came.
///
/// # Errors
/// When the broker or a service refuses, or the round is not over within `limit`.
pub async fn round(
    first_url: &str,
    second_url: &str,
    limit: Duration,
    steps: &mut Steps,
) -> Result<()> {
    let begun = Instant::now();
    let mut doing = "login";
    let played = timeout(limit, async {
        // In this order in every round: two that run at once cannot each hold what the other waits
        // for.
        let mut round = Round::open(first_url, second_url, steps).await?;
        doing = "share";
        round.steps.0.push(("login", begun.elapsed()));
        let played = round.play(&mut doing).await;
        if played.is_err() {
            round.tidy().await;
        }
        round.close().await;
        played
    });
    played.await.unwrap_or_else(|_| {
        Err(Error::Late {
            what: format!("the canary's {doing}"),
            limit,
            last: "neither the receipt nor the delivery came: `deskmesh-operator trace` tells \
                where it stays"
                .to_owned(),
        })
    })
}

struct Round<'a> {
    first: OperatorDesk,
    second: OperatorDesk,
    agreement: AgreementId,
    ticket: TicketId,
    steps: &'a mut Steps,
}

impl<'a> Round<'a> {
    async fn open(first_url: &str, second_url: &str, steps: &'a mut Steps) -> Result<Self> {
        let first = OperatorDesk::open(first_url, "canary").await?;
        let second = OperatorDesk::open(second_url, "canary").await?;
        let agreement = derived(AgreementId::new(
            derive_id("canary", &[first.name(), second.name()]).to_string(),
        ))?;
        // One ticket a day, shared again in each round: so tickets do not pile up, and none grows
        // for ever.
        let ticket = derived(TicketId::new(format!("canary-{}", seconds() / SECONDS_A_DAY)))?;
        Ok(Self { first, second, agreement, ticket, steps })
    }

    async fn play(&mut self, doing: &mut &'static str) -> Result<()> {
        let begun = Instant::now();
        let share = self.share().await?;
        self.steps.0.push(("share", begun.elapsed()));

        *doing = "comment";
        let begun = Instant::now();
        self.comment(&share).await?;
        self.steps.0.push(("comment", begun.elapsed()));

        *doing = "unshare";
        let begun = Instant::now();
        self.unshare(&share).await?;
        self.steps.0.push(("unshare", begun.elapsed()));
        Ok(())
    }

    /// Shares the ticket; makes the agreement, and ends what another round left, when the answer
    /// says so.
    async fn share(&mut self) -> Result<ShareId> {
        let mut receipt = self.try_to_share().await?;
        match receipt.reason {
            Some(Reason::UnknownAgreement) => {
                let agreed = self.invite().await?;
                must_be_applied("inviting", &agreed)?;
                self.accept().await?;
                receipt = self.try_to_share().await?;
            }
            Some(Reason::AgreementNotAccepted) => {
                self.accept().await?;
                receipt = self.try_to_share().await?;
            }
            Some(Reason::AlreadyShared) => {
                let unshare = TicketUnshare {
                    ticket_id: Some(self.ticket.clone()),
                    share_id: None,
                    actor: actor(&self.first.account),
                };
                must_be_applied(
                    "ending what another round left",
                    &self.first.ask(&unshare).await?,
                )?;
                receipt = self.try_to_share().await?;
            }
            _ => {}
        }
        // Partial is in force, too: the new ticket's status is told as another one.
        if receipt.outcome != ReceiptOutcome::Partial {
            must_be_applied("sharing", &receipt)?;
        }
        let share =
            receipt.share_id.ok_or_else(|| unexpected("sharing", "the receipt names no share"))?;
        self.second
            .until(|told| {
                matches!(told, DeliveryBody::TicketCreated(it) if it.share_id == share)
                    .then_some(())
            })
            .await?;
        Ok(share)
    }

    async fn try_to_share(&mut self) -> Result<Receipt> {
        let actor = actor(&self.first.account);
        let ticket = SharedTicket {
            id: self.ticket.clone(),
            copy_of: None,
            subject: "Canary".to_owned(),
            status: Status::Open,
            custom_status: None,
            requested_at: None,
            requester: actor.clone(),
            ccs: Vec::new(),
            tags: Vec::new(),
            custom_fields: SentFields::default(),
            comments: Vec::new(),
        };
        let share = TicketShare {
            agreement_id: self.agreement.clone(),
            share_id: None,
            ticket,
            actor,
            occurred_at: clock()?,
            dry_run: false,
        };
        self.first.ask(&share).await
    }

    async fn invite(&mut self) -> Result<Receipt> {
        let invite = AgreementInvite {
            agreement_id: self.agreement.clone(),
            receiver: Invitee::Address { address: self.second.name().to_owned() },
            name: Some("Canary".to_owned()),
            terms: Terms {
                comments: CommentTerms::PublicAndPrivate,
                tags: false,
                custom_fields: false,
            },
            actor: actor(&self.first.account),
        };
        self.first.ask(&invite).await
    }

    async fn accept(&mut self) -> Result<()> {
        let accept = AgreementAccept {
            agreement_id: self.agreement.clone(),
            actor: actor(&self.second.account),
        };
        must_be_applied("accepting", &self.second.ask(&accept).await?)?;
        // share-dispatcher has it a moment later: the desk that is told has been told by the end of
        // the line.
        let agreement = self.agreement.clone();
        self.first
            .until(|told| {
                matches!(told, DeliveryBody::AgreementAccepted(it) if it.agreement_id == agreement)
                    .then_some(())
            })
            .await
    }

    async fn comment(&mut self, share: &ShareId) -> Result<()> {
        let id = derived(CommentId::new(chance().to_string()))?;
        let comment = Comment {
            id: id.clone(),
            author: None,
            body: "Tweet".to_owned(),
            html_body: None,
            public: true,
            authored_at: None,
            attachments: Vec::new(),
            call: None,
        };
        let update = TicketUpdate {
            ticket_id: None,
            share_id: Some(share.clone()),
            base_revision: None,
            actor: actor(&self.first.account),
            occurred_at: clock()?,
            status: None,
            custom_status: None,
            tags: None,
            custom_fields: SentFields::default(),
            ccs: None,
            comments: vec![comment],
            dry_run: false,
        };
        must_be_applied("commenting", &self.first.ask(&update).await?)?;
        let brings = |told: &DeliveryBody| {
            matches!(
                told,
                DeliveryBody::TicketUpdated(it)
                    if it.comments.iter().any(|comment| comment.id == id)
            )
            .then_some(())
        };
        self.second.until(brings).await
    }

    async fn unshare(&mut self, share: &ShareId) -> Result<()> {
        let unshare = TicketUnshare {
            ticket_id: None,
            share_id: Some(share.clone()),
            actor: actor(&self.first.account),
        };
        must_be_applied("ending the share", &self.first.ask(&unshare).await?)?;
        self.second
            .until(|told| {
                matches!(told, DeliveryBody::TicketUnshared(it) if it.share_id == *share)
                    .then_some(())
            })
            .await
    }

    /// Asks for the end of the share after a failure; the next round asks again.
    async fn tidy(&mut self) {
        let unshare = TicketUnshare {
            ticket_id: Some(self.ticket.clone()),
            share_id: None,
            actor: actor(&self.first.account),
        };
        drop(timeout(TIDY_LIMIT, self.first.ask(&unshare)).await);
    }

    async fn close(self) {
        self.second.close().await;
        self.first.close().await;
    }
}

fn must_be_applied(what: &str, receipt: &Receipt) -> Result<()> {
    if receipt.outcome == ReceiptOutcome::Applied {
        return Ok(());
    }
    let reason =
        receipt.reason.as_ref().map_or_else(|| "no reason".to_owned(), ToString::to_string);
    Err(unexpected(
        what,
        &format!(
            "{:?}: {reason} ({})",
            receipt.outcome,
            receipt.detail.as_deref().unwrap_or("no detail")
        ),
    ))
}

fn unexpected(what: &str, detail: &str) -> Error {
    Error::Unexpected { what: format!("the canary's {what}"), detail: detail.to_owned() }
}

fn derived<T, E: std::fmt::Display>(made: std::result::Result<T, E>) -> Result<T> {
    made.map_err(|invalid| unexpected("ids", &invalid.to_string()))
}

fn actor(account: &AccountName) -> Actor {
    Actor {
        id: "canary".to_owned(),
        name: format!("Canary of {account}"),
        role: Role::Admin,
        email: None,
        phone: None,
    }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn clock() -> Result<Timestamp> {
    let epoch = Timestamp::parse("1970-01-01T00:00:00Z")
        .map_err(|invalid| unexpected("clock", &invalid))?;
    Ok(epoch.plus_seconds(i64::try_from(seconds()).unwrap_or_default()))
}
