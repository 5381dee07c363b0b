//! Where a dead letter was going, and who says so.

use contracts::topology::{DESK_PARKED, Exchange, Service, key_of_work};
use lapin::types::{AMQPValue, FieldTable};

use crate::message::envelope::Via;

/// Where a message was going, and by which way it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub via: Via,
    /// Empty where the broker did not write it down.
    pub exchange: String,
    pub routing_key: String,
}

/// Reads what the broker wrote when it put a message into the dead-letter queue `queue` of
/// `service`.
///
/// Some brokers take over `x-death` entries that the publisher wrote, and an account brings a
/// message here by letting it expire. So a message counts as a service's only where no account can
/// write (behind the entry; into the desks' queues), or where the broker vouches for the service as
/// its publisher. What else lies here is a desk's command, whatever it says of itself.
pub(crate) fn of_dead_letter(
    service: Service,
    queue: &str,
    user_id: Option<&str>,
    headers: &FieldTable,
) -> Origin {
    let (exchange, routing_key) = last_death(headers).unwrap_or_default();
    let from_a_service =
        !service.is_entry() || queue == DESK_PARKED || user_id.is_some_and(is_service);
    let via = if !from_a_service {
        Via::Share
    } else if exchange == Exchange::Sync.name() && brings_commands(service, &routing_key) {
        Via::Ladder
    } else {
        Via::Service
    };
    let routing_key = if via == Via::Service { key_of_work(&routing_key) } else { routing_key };
    Origin { via, exchange, routing_key }
}

/// Whether desks' commands come with this key on `sync`: delayed ones, and those that were moved.
pub(crate) fn brings_commands(service: Service, key: &str) -> bool {
    key == service.retried_key() || key == service.moved_key()
}

/// No account's name has a dot.
fn is_service(user_id: &str) -> bool {
    Service::ALL.iter().any(|service| service.user() == user_id)
}

/// Exchange and key of the newest entry, which stands first.
fn last_death(headers: &FieldTable) -> Option<(String, String)> {
    let AMQPValue::FieldArray(deaths) = headers.inner().get("x-death")? else { return None };
    let AMQPValue::FieldTable(newest) = deaths.as_slice().first()? else { return None };
    let AMQPValue::FieldArray(keys) = newest.inner().get("routing-keys")? else { return None };
    Some((text(newest.inner().get("exchange")?)?, text(keys.as_slice().first()?)?))
}

fn text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok().map(str::to_owned),
        AMQPValue::ShortString(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use lapin::types::{FieldArray, LongString};

    use super::*;

    fn died(exchange: &str, key: &str) -> FieldTable {
        let text = |text: &str| AMQPValue::LongString(LongString::from(text));
        let mut death = FieldTable::default();
        death.insert("exchange".into(), text(exchange));
        death.insert(
            "routing-keys".into(),
            AMQPValue::FieldArray(FieldArray::from(vec![text(key)])),
        );
        let mut headers = FieldTable::default();
        headers.insert(
            "x-death".into(),
            AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::FieldTable(death)])),
        );
        headers
    }

    fn origin(
        service: Service,
        queue: &str,
        user: Option<&str>,
        exchange: &str,
        key: &str,
    ) -> (Via, String, String) {
        let origin = of_dead_letter(service, queue, user, &died(exchange, key));
        (origin.via, origin.exchange, origin.routing_key)
    }

    #[test]
    fn a_dead_letter_goes_back_where_it_was_going() {
        let user = Some("svc.share-dispatcher");
        for (service, queue, user, exchange, key, via) in [
            (
                Service::ShareDispatcher,
                "share-dispatcher.parked",
                Some("acme"),
                "share",
                "acme.ticket.share",
                Via::Share,
            ),
            (
                Service::ShareDispatcher,
                "share-dispatcher.parked",
                user,
                "sync",
                "share-dispatcher.retried",
                Via::Ladder,
            ),
            (
                Service::ShareDispatcher,
                "share-dispatcher.parked",
                user,
                "sync",
                "share-dispatcher.fact",
                Via::Service,
            ),
            (
                Service::ShareDispatcher,
                DESK_PARKED,
                None,
                "desk",
                "acme.ticket.updated",
                Via::Service,
            ),
            (
                Service::FieldSync,
                "field-sync.parked",
                None,
                "sync",
                "field-sync.transfer",
                Via::Service,
            ),
        ] {
            assert_eq!(
                origin(service, queue, user, exchange, key),
                (via, exchange.to_owned(), key.to_owned())
            );
        }
    }

    #[test]
    fn what_died_in_a_bulk_queue_goes_back_to_the_work_queue() {
        let origin = |service: Service, key: &str| {
            let (user, queue) = (service.user(), format!("{}.parked", service.name()));
            let (via, _, key) = origin(service, &queue, Some(&user), "sync", key);
            (via, key)
        };
        assert_eq!(
            origin(Service::FieldSync, "field-sync.bulk.transfer"),
            (Via::Service, "field-sync.transfer".to_owned())
        );
        let moved = Service::ShareDispatcher.moved_key();
        assert_eq!(origin(Service::ShareDispatcher, &moved), (Via::Ladder, moved.clone()));
    }

    #[test]
    fn an_account_that_says_it_came_between_services_is_not_believed() {
        for user in [None, Some("acme"), Some("svc")] {
            let (via, ..) = origin(
                Service::ShareDispatcher,
                "share-dispatcher.parked",
                user,
                "sync",
                "share-dispatcher.fact",
            );
            assert_eq!(via, Via::Share, "{user:?}");
        }
    }

    #[test]
    fn nonsense_is_no_place() {
        let mut headers = FieldTable::default();
        for value in
            [AMQPValue::Void, AMQPValue::FieldArray(FieldArray::default()), AMQPValue::LongInt(1)]
        {
            headers.insert("x-death".into(), value);
            let origin = of_dead_letter(Service::FieldSync, "field-sync.parked", None, &headers);
            assert_eq!((origin.exchange.as_str(), origin.routing_key.as_str()), ("", ""));
        }
    }
}
