//! What comes to the gate: noted, answered here, held, or let go.

use std::sync::Arc;

use contracts::delivery::DeliveryBody;
use contracts::topology::Exchange;
use lapin::Channel;
use lapin::message::Delivery;
use lapin::types::ShortString;
use tokio::sync::{Mutex, Notify};

use super::{Command, LET_GO, OWN, State, Told, let_go};
use crate::error::Result;

/// What takes everything in, one after the other.
pub(super) struct Reader {
    pub state: Arc<Mutex<State>>,
    pub changed: Arc<Notify>,
    pub channel: Channel,
    pub released: String,
}

impl Reader {
    pub async fn take(&self, delivery: Delivery) -> Result<()> {
        let headers = delivery.properties.headers().as_ref();
        if headers.is_some_and(|headers| headers.inner().contains_key(LET_GO)) {
            return Ok(());
        }
        let text = |value: &Option<ShortString>| {
            value.as_ref().map(ToString::to_string).unwrap_or_default()
        };
        let (id, kind) = (text(delivery.properties.message_id()), text(delivery.properties.kind()));
        let mut state = self.state.lock().await;
        if delivery.exchange.as_str() == Exchange::Share.name() {
            let content = serde_json::from_slice(&delivery.data).unwrap_or_default();
            if !id.starts_with(OWN) {
                state.commands.push(Command { id, kind, content });
            }
        } else if let Ok(body) = DeliveryBody::read(&kind, &delivery.data) {
            let told = Told {
                body,
                key: delivery.routing_key.to_string(),
                properties: delivery.properties,
                data: delivery.data,
            };
            self.told(&mut state, told).await?;
        }
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }

    async fn told(&self, state: &mut State, told: Told) -> Result<()> {
        match &told.body {
            DeliveryBody::Receipt(receipt) if receipt.command_id.starts_with(OWN) => {
                state.answers.insert(receipt.command_id.clone(), (**receipt).clone());
                return Ok(());
            }
            body => {
                let name = asked_as(body);
                if state.asked.remove(&name) {
                    state.answered.insert(name, told.body);
                    return Ok(());
                }
            }
        }
        state.told.push(told.clone());
        if state.holding {
            state.held.push(told);
            return Ok(());
        }
        let_go(&self.channel, &told, &self.released).await
    }
}

fn asked_as(body: &DeliveryBody) -> String {
    match body {
        DeliveryBody::TicketState(state) => format!("ticket.state.v1 {}", state.share_id),
        other => other.name().to_owned(),
    }
}
