//! The story: three help desks agree, share tickets, see each other's work, and end it. Played by
//! the demo and by a system test.
//!
//! Every scene checks what it shows and panics, with what it saw, where that is not what the
//! contract says.

mod accounts;
mod agreements;
mod chain;
mod end;
mod load;
mod meanwhile;
mod proof;
mod refusals;
mod sample;
mod share;
mod work;

use std::time::Duration;

use anyhow::Result;
use contracts::delivery::DeliveryBody;
use contracts::topology::Service;
use contracts::{AgreementId, Message, ReceiptOutcome, ShareId};
use testkit::Delivered;

pub use load::Speed;
pub use proof::Proof;

use crate::party::{Answer, DeskDriver};
use crate::stage::Stage;
use crate::timeline::Timeline;

/// How the load is played.
#[derive(Clone, Debug)]
pub struct Load {
    /// Updates by each of the two desks.
    pub updates: usize,
    /// Commands of one desk that wait for their receipts at a time.
    pub in_flight: usize,
    /// Services that are killed meanwhile, one after the other.
    pub kills: Vec<Service>,
}

impl Default for Load {
    fn default() -> Self {
        Self { updates: 1_000, in_flight: 64, kills: Vec::new() }
    }
}

/// What the story came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the desks hold, compared.
    pub proof: Proof,
    /// How fast the load went.
    pub speed: Speed,
}

/// Two copies of a ticket that a live share keeps in step.
#[derive(Clone, Debug)]
struct Link {
    near: (Side, String),
    far: (Side, String),
}

/// One of the three desks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Acme,
    Globex,
    Initech,
}

/// Everything the scenes share.
#[derive(Debug)]
struct Story {
    stage: Stage,
    out: Timeline,
    operator: DeskDriver,
    acme: DeskDriver,
    globex: DeskDriver,
    initech: DeskDriver,
    /// acme → globex.
    first: AgreementId,
    /// globex → initech.
    second: AgreementId,
    links: Vec<Link>,
    /// Message ids of what no receipt can come for.
    parked: Vec<String>,
}

/// Plays the story on a stage. The stage comes back, to be cleared.
///
/// # Errors
/// When a server or a service fails.
///
/// # Panics
/// When something is not as the contract says.
pub async fn play(stage: Stage, out: Timeline, load: &Load) -> Result<(Stage, Outcome)> {
    let (operator, vhost) = (stage.operator()?, stage.installation.vhost().to_owned());
    let (acme, globex, initech) = (
        stage.rust_desk("acme").await?,
        stage.python_desk("globex").await?,
        stage.rust_desk("initech").await?,
    );
    let (first, second) = (sample::agreement(&vhost, "first"), sample::agreement(&vhost, "second"));
    let mut story = Story {
        stage,
        out,
        operator,
        acme,
        globex,
        initech,
        first,
        second,
        links: Vec::new(),
        parked: Vec::new(),
    };
    accounts::play(&story).await;
    agreements::play(&story).await;
    let share = share::play(&mut story).await;
    work::play(&story, &share).await;
    chain::play(&mut story).await;
    refusals::play(&mut story).await?;
    end::play(&mut story).await;
    let speed = load::play(&mut story, load).await?;
    let proof = proof::settled(&story).await?;
    Ok((story.stage, Outcome { proof, speed }))
}

impl Story {
    fn party(&self, side: Side) -> &DeskDriver {
        match side {
            Side::Acme => &self.acme,
            Side::Globex => &self.globex,
            Side::Initech => &self.initech,
        }
    }

    /// Sends a command and checks what its receipt says.
    async fn ask<M: Message>(
        &self,
        from: &DeskDriver,
        command: &M,
        outcome: ReceiptOutcome,
        text: &str,
    ) -> Answer {
        let answer = from.ask(command).await;
        self.answered(from, &answer, outcome, text);
        answer
    }

    /// Checks a receipt and tells it.
    fn answered(&self, from: &DeskDriver, answer: &Answer, outcome: ReceiptOutcome, text: &str) {
        assert_eq!(answer.receipt.outcome, outcome, "{text}: {:#?}", answer.receipt);
        let said = sample::word(&outcome);
        let because = answer.receipt.reason.map_or(String::new(), |reason| format!(", {reason}"));
        let text = format!("{text}: {said}{because}");
        self.out.event(
            from.account.as_str(),
            "deskmesh",
            Some(answer.took),
            answer.trace.as_deref(),
            &text,
        );
    }

    /// Waits for what a command causes at another desk and tells it.
    async fn arrives<T>(
        &self,
        from: &DeskDriver,
        command: &Answer,
        to: &DeskDriver,
        what: &str,
        wanted: impl Fn(&DeliveryBody) -> Option<T>,
    ) -> (T, Arrival<'_>) {
        let (value, delivered) = to.told(what, wanted).await;
        let took = from.sent_at(&command.id).map(|sent| delivered.at.duration_since(sent));
        let (from, to) = (from.account.to_string(), to.account.to_string());
        (value, Arrival { story: self, from, to, took, delivered })
    }
}

/// Something that arrived, to be told in words.
struct Arrival<'a> {
    story: &'a Story,
    from: String,
    to: String,
    took: Option<Duration>,
    delivered: Delivered,
}

impl Arrival<'_> {
    fn tell(self, text: &str) -> Delivered {
        self.story.out.event(
            &self.from,
            &self.to,
            self.took,
            self.delivered.trace_id.as_deref(),
            text,
        );
        self.delivered
    }
}

/// A comment in a delivery by its id, if it is there: with the share it came by.
fn comment_in(
    told: &DeliveryBody,
    id: &str,
) -> Option<(ShareId, contracts::comment::SharedComment)> {
    let (share, comments) = match told {
        DeliveryBody::TicketCreated(created) => (&created.share_id, &created.comments),
        DeliveryBody::TicketUpdated(updated) => (&updated.share_id, &updated.comments),
        _ => return None,
    };
    comments
        .iter()
        .find(|comment| comment.id.as_str() == id)
        .map(|comment| (share.clone(), comment.clone()))
}
