//! A delivery put through everything that happens before a decision, without broker and database:
//! for tests that try what they like.

use contracts::{Epoch, Timestamp};
use lapin::message::Delivery;

use crate::decide::parking::Parking;
use crate::decide::plan::{Disposition, Item, Plan};
use crate::intake::admission::{Admission, admit};
use crate::message::envelope::Envelope;
use crate::message::trace_context::TraceContext;
use crate::service::Service;

/// What becomes of a delivery from `queue` that arrives `now` at a service which has decided
/// nothing before: in words, for a person.
#[must_use]
pub fn trial<S: Service>(service: &S, queue: &str, delivery: Delivery, now: Timestamp) -> String {
    let envelope = Envelope::read(S::SERVICE, delivery, now);
    let admission = admit(service, queue, &envelope);
    let said = match &admission {
        Admission::Accept(_) => "admitted".to_owned(),
        Admission::Refuse(refused) => {
            format!("refused: {}: {}", refused.reason.code(), refused.detail)
        }
        Admission::Forward(entry) => format!("forwarded to {}", entry.name()),
        Admission::Park(reason, detail) => format!("parked: {}: {detail}", reason.code()),
    };
    let items = [Item { envelope, admission, trace: TraceContext::default() }];
    let by = (S::SERVICE, Epoch::default());
    let plan = Plan::of(by, &items, &std::collections::BTreeMap::new());
    let rows = plan.journal_rows().len();
    let sent: usize =
        plan.into_dispositions()
            .unwrap_or_default()
            .iter()
            .map(|disposition| {
                if let Disposition::Send { outputs, .. } = disposition { outputs.len() } else { 0 }
            })
            .sum();
    format!("{said}; {rows} remembered, {sent} sent")
}

/// What the parking table would keep of a delivery that the broker put into the dead-letter queue
/// `queue` of a service: where it was going.
#[must_use]
pub fn dead_letter_trial<S: Service>(queue: &str, delivery: Delivery, now: Timestamp) -> String {
    let envelope = Envelope::read_dead_letter(S::SERVICE, queue, delivery, now);
    format!("{:?}", Parking::of_envelope(queue, &envelope, &TraceContext::default(), None))
}
