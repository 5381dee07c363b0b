//! What a batch causes goes out.

use contracts::AccountName;
use contracts::topology::Exchange;
use tokio_util::sync::CancellationToken;

use super::Slot;
use crate::clock::now;
use crate::decide::plan::{Disposition, Item};
use crate::failure::Fault;
use crate::message::outgoing::OutgoingMessage;
use crate::message::output::StoredOutput;
use crate::observe::measure;
use crate::publish::{binding, event, undelivered};
use crate::run::caused::{onward, outputs};
use crate::run::lane::Lane;
use crate::run::runtime::{backoff, pause};
use crate::service::Service;
use crate::timeout;

impl<S: Service> Slot<S> {
    /// Publishes what the batch causes. What a desk's queue does not take waits in `undelivered`;
    /// what a service's queue does not take holds the batch. Returns false when it is told to stop
    /// meanwhile.
    pub(super) async fn send(
        &self,
        items: &[Item<S::Inbound>],
        dispositions: &[Disposition],
        stop: &CancellationToken,
    ) -> Result<bool, Fault> {
        let outputs = outputs(dispositions);
        binding::bind(&self.connections.publishing, outputs.iter().map(|(_, stored)| *stored))
            .await?;
        let is_away = |(_, stored): &(String, &StoredOutput)| {
            stored.output.desk().is_some_and(|desk| self.shared.desks_away.has(desk.as_str()))
        };
        let events = outputs.iter().filter_map(|(_, stored)| event::of(S::SERVICE, stored));
        let events: Vec<OutgoingMessage> =
            if self.shared.settings.events { events.collect() } else { Vec::new() };
        let (away, outputs): (Vec<_>, Vec<_>) = outputs.into_iter().partition(is_away);
        let away: Vec<&StoredOutput> = away.into_iter().map(|(_, stored)| stored).collect();
        let (pool, limit) = (&self.shared.pool, self.shared.settings.answer_timeout);
        timeout::database(limit, undelivered::keep(pool, &away, now())).await?;
        let mut letters: Vec<OutgoingMessage> = match self.lane {
            Lane::Work => outputs.iter().map(|(_, output)| OutgoingMessage::of(output)).collect(),
            Lane::Bulk => {
                outputs.iter().map(|(_, output)| OutgoingMessage::of(output).in_bulk()).collect()
            }
        };
        letters.extend(
            items
                .iter()
                .zip(dispositions)
                .filter_map(|(item, disposition)| onward::<S>(item, disposition)),
        );
        letters.extend(events);
        let mut delays = backoff();
        loop {
            let sent_at = now();
            let refused = self.publisher.publish(&letters, sent_at).await?;
            let taken = outputs.iter().filter(|(id, _)| !refused.contains(id));
            measure::deliveries(taken.map(|(_, stored)| *stored), sent_at);
            if refused.is_empty() {
                return Ok(true);
            }
            let to_desks = outputs
                .iter()
                .filter(|(id, output)| output.output.desk().is_some() && refused.contains(id));
            let rows: Vec<&StoredOutput> = to_desks.map(|(_, output)| *output).collect();
            // An auditor whose queue is full misses events, and holds up nobody.
            let missed = |letter: &OutgoingMessage| {
                letter.exchange == Exchange::Sync.name() && refused.contains(&letter.message_id)
            };
            let services: Vec<OutgoingMessage> = letters.into_iter().filter(missed).collect();
            let went = || rows.iter().filter_map(|stored| stored.output.desk());
            self.shared.desks_away.mark(went().map(AccountName::as_str));
            let kept = undelivered::keep_refused(pool, &rows, &refused, now());
            timeout::database(limit, kept).await?;
            // Who looked before they were written down has just taken the mark away.
            self.shared.desks_away.mark(went().map(AccountName::as_str));
            if services.is_empty() {
                return Ok(true);
            }
            refused.tell_held(&self.queue, &services);
            letters = services;
            for letter in &mut letters {
                letter.attempt += 1;
            }
            if !pause(delays.next(), stop, &self.shared.health).await {
                return Ok(false);
            }
        }
    }
}
