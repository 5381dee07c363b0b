//! Load, decide, apply, save.

use bootstrap::Context;
use contracts::address::Invitee;
use contracts::{AccountName, sharing_url, topology};
use messaging::{
    Aged, Content, Correlation, DecideError, DecodeError, HandlerResult, ReceivedMessage, Service,
};
use sqlx::PgConnection;

use crate::rules::state::State;
use crate::rules::{Answer, Decision};
use crate::store::{self, Wanted};
use crate::{Config, Inbound, outbound, rules};

/// Builds the service and runs it until the stop.
///
/// # Errors
/// When the runtime meets something that waiting does not cure.
pub async fn start(context: Context<Config>) -> anyhow::Result<()> {
    let service = AgreementService::new(context.config.invites.a_day.size());
    context.run(service).await
}

/// The entry for commands about accounts and agreements.
#[derive(Clone, Copy, Debug)]
pub struct AgreementService {
    invites_a_day: usize,
}

impl AgreementService {
    /// With how many invites an account may make in 24 hours.
    #[must_use]
    pub const fn new(invites_a_day: usize) -> Self {
        Self { invites_a_day }
    }
}

impl Service for AgreementService {
    type Inbound = Inbound;
    type State = State;
    type Decision = Decision;

    const SERVICE: topology::Service = topology::Service::Agreement;

    const AGED: &'static [Aged] = &[
        Aged { table: "delayed_address", since: "since", condition: "true", days: 1 },
        Aged { table: "invite_made", since: "at", condition: "true", days: 2 },
    ];

    fn decode(&self, message_type: &str, content: Content<'_>) -> Result<Inbound, DecodeError> {
        Inbound::decode(message_type, content)
    }

    /// Nothing comes to it but desks' commands, of which the runtime knows it.
    fn about(_: &Inbound) -> Correlation {
        Correlation::default()
    }

    async fn load(
        &self,
        connection: &mut PgConnection,
        batch: &[&ReceivedMessage<Inbound>],
    ) -> Result<State, DecideError> {
        store::load(connection, wanted(batch, self.invites_a_day)).await
    }

    /// # Panics
    /// On a command without its publisher, which admission lets nobody send.
    fn decide(&self, state: &State, received: &ReceivedMessage<Inbound>) -> Decision {
        let publisher = received
            .publisher
            .as_ref()
            .expect("admission lets commands in only with their publisher");
        rules::decide(state, publisher, &received.command(), &received.message)
    }

    fn apply(
        &self,
        state: &mut State,
        received: &ReceivedMessage<Inbound>,
        decision: Decision,
    ) -> HandlerResult {
        let answer = state.apply(decision);
        let waits = matches!(answer, Answer::NotYet { .. });
        state.settle(&received.message.brings(), waits);
        outbound::verdict(answer, &received.command())
    }

    async fn save(&self, connection: &mut PgConnection, state: State) -> Result<(), DecideError> {
        store::save(connection, &state).await
    }
}

/// What a batch may read or change.
fn wanted(batch: &[&ReceivedMessage<Inbound>], invites_a_day: usize) -> Wanted {
    let mut wanted = Wanted { invites_a_day, ..Wanted::default() };
    for received in batch {
        wanted.names.insert(received.account.clone());
        wanted.coming.extend(received.message.brings());
        wanted.agreements.extend(received.message.agreement_id().map(ToString::to_string));
        match &received.message {
            Inbound::Register(message) => {
                wanted.registers = true;
                wanted.names.insert(message.account.clone());
                // Partners could take the name for its address, which another account may have.
                wanted.addresses.insert(message.account.clone());
                if let Some(address) = &message.address {
                    wanted.addresses.insert(address.clone());
                    wanted.names.insert(address.clone());
                }
                if let Ok(name) = AccountName::new(message.account.as_str()) {
                    // Each may operate names below its own, and only locked it stays so.
                    wanted.names.extend(name.operator_names().map(|one| one.to_string()));
                    if message.may_operate || message.third_parties {
                        wanted.operators.insert(name.to_string());
                    }
                }
                wanted.sharing_urls.extend(message.sharing_url.as_deref().map(sharing_url::spelt));
            }
            Inbound::Invite(message) => {
                wanted.inviting.insert(received.account.clone());
                match &message.receiver {
                    Invitee::Address { address } => {
                        wanted.addresses.insert(address.clone());
                    }
                    Invitee::SharingUrl { sharing_url } => {
                        // It may register an account; and what an earlier release registered is
                        // kept as it was written.
                        wanted.registers = true;
                        wanted.sharing_urls.extend([sharing_url.clone(), message.receiver.text()]);
                    }
                }
            }
            Inbound::Update(_) | Inbound::Show(_) => {
                wanted.with_options.insert(received.account.clone());
            }
            Inbound::Lower(message) => {
                wanted.names.insert(message.account.to_string());
                wanted.with_options.insert(message.account.to_string());
            }
            Inbound::Recover(message) => {
                wanted
                    .recovering
                    .insert(rules::recover::AccountPage::at(message.cursor.as_deref()));
            }
            Inbound::Rename(message) => {
                wanted.with_options.insert(received.account.clone());
                wanted.addresses.insert(message.address.clone());
                wanted.names.insert(message.address.clone());
                wanted.renaming.insert(received.account.clone());
            }
            Inbound::List(message) => {
                if let (None, Ok(page)) = (&message.agreement_id, rules::list::page(message)) {
                    wanted.pages.insert((received.account.clone(), page));
                }
            }
            Inbound::Accept(_)
            | Inbound::Decline(_)
            | Inbound::Deactivate(_)
            | Inbound::Compare(_) => {}
        }
    }
    wanted
}
