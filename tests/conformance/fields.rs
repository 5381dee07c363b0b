//! Custom fields: which belong together, and which cross.

use contracts::delivery::DeliveryBody;
use contracts::{ItemOutcome, Reason, Receipt, ReceiptOutcome, ShareId};
use serde_json::{Value, json};
use testkit::Desk;

use crate::context::{ConformanceContext, applied, everything, item, terms};
use crate::copies::{COPY, Chain, FAR_COPY, ORIGINAL, has_status, hears, held, holds};

/// A field as an account tells of it.
pub fn field(key: &str, title: &str, kind: &str) -> Value {
    json!({ "key": key, "title": title, "type": kind })
}

/// A drop-down or multiselect, its options as name and tag.
pub fn options(key: &str, title: &str, kind: &str, options: &[(&str, &str)]) -> Value {
    let options: Vec<Value> =
        options.iter().map(|(name, tag)| json!({ "name": name, "tag": tag })).collect();
    json!({ "key": key, "title": title, "type": kind, "options": options })
}

/// Two desks with their own fields, and a ticket that one shared with the other.
pub struct Pair {
    pub acme: Desk,
    pub globex: Desk,
    pub share: ShareId,
}

impl Pair {
    /// The widest terms, fields as given.
    pub async fn with(context: &ConformanceContext, ours: &[Value], theirs: &[Value]) -> Self {
        let [acme, globex] = context.desks(["acme", "globex"]).await;
        for (desk, fields) in
            [(&acme, ours), (&globex, theirs)].into_iter().filter(|(_, fields)| !fields.is_empty())
        {
            applied(&context.set(desk, json!({ "ticket_fields": fields })).await);
        }
        Self::of(context, acme, globex, everything()).await
    }

    /// Desks that are there.
    pub async fn of(context: &ConformanceContext, acme: Desk, globex: Desk, terms: Value) -> Self {
        let agreement = context.agree(&acme, &globex, terms).await;
        let share = context.shared(&acme, &globex, &agreement, ORIGINAL).await;
        Self { acme, globex, share }
    }

    /// acme sets fields.
    pub async fn set(&self, context: &ConformanceContext, fields: Value) -> Receipt {
        context.update(&self.acme, ORIGINAL, json!({ "custom_fields": fields })).await
    }

    /// globex sets fields.
    pub async fn set_back(&self, context: &ConformanceContext, fields: Value) -> Receipt {
        context.update(&self.globex, COPY, json!({ "custom_fields": fields })).await
    }

    /// Waits until globex holds a value.
    pub async fn arrives(&self, key: &str, value: Value) {
        holds(&self.globex, &self.share, &format!("custom_field:{key}"), value).await;
    }

    /// Waits until acme holds a value.
    pub async fn comes_back(&self, key: &str, value: Value) {
        holds(&self.acme, &self.share, &format!("custom_field:{key}"), value).await;
    }

    /// After all that acme has done so far, globex holds nothing in these fields.
    pub async fn nothing_in(&self, context: &ConformanceContext, keys: &[&str]) {
        context.heard(&self.globex, &self.acme, &self.share).await;
        for key in keys {
            assert_eq!(
                held(&self.globex, &self.share, &format!("custom_field:{key}")),
                None,
                "{key}"
            );
        }
    }
}

#[track_caller]
fn transferred(receipt: &Receipt, key: &str) {
    item(receipt, &format!("custom_field:{key}"), ItemOutcome::Transferred, None);
}

#[track_caller]
pub fn withheld(receipt: &Receipt, key: &str, reason: Reason) {
    item(receipt, &format!("custom_field:{key}"), ItemOutcome::Withheld, reason);
}

pub async fn r_20_custom_fields_are_kept_in_step_along_the_whole_chain(
    context: ConformanceContext,
) {
    let desks = context.desks(["acme", "globex", "initech"]).await;
    for (desk, key) in desks.iter().zip(["order", "bestellung", "ordine"]) {
        applied(
            &context
                .set(desk, json!({ "ticket_fields": [field(key, "Order number", "text")] }))
                .await,
        );
    }
    let Chain { acme, globex, initech, first, second } =
        Chain::between(&context, desks, everything()).await;
    for (desk, number, key, value) in [
        (&acme, ORIGINAL, "order", "A-1"),
        (&globex, COPY, "bestellung", "G-2"),
        (&initech, FAR_COPY, "ordine", "I-3"),
    ] {
        transferred(
            &context.update(desk, number, json!({ "custom_fields": { key: value } })).await,
            key,
        );
        for (desk, share, key) in [
            (&acme, &first, "order"),
            (&globex, &first, "bestellung"),
            (&initech, &second, "ordine"),
        ] {
            holds(desk, share, &format!("custom_field:{key}"), json!(value)).await;
        }
    }
}

pub async fn r_22_sharing_makes_no_field(context: ConformanceContext) {
    let pair = Pair::with(&context, &[field("order", "Order", "text")], &[]).await;
    withheld(&pair.set(&context, json!({ "order": "7" })).await, "order", Reason::NoSuchField);
    pair.nothing_in(&context, &["order", "Order"]).await;
    assert!(
        pair.globex
            .bodies()
            .iter()
            .all(|body| !body.contains("ticket_fields") && !body.contains("\"order\""))
    );
    // Once its own account has made it, the next change arrives.
    applied(
        &context
            .set(&pair.globex, json!({ "ticket_fields": [field("theirs", "Order", "text")] }))
            .await,
    );
    transferred(&pair.set(&context, json!({ "order": "8" })).await, "order");
    pair.arrives("theirs", json!("8")).await;
}

pub async fn r_62_custom_fields_do_not_cross_to_third_parties(context: ConformanceContext) {
    let order = json!({ "ticket_fields": [field("order", "Order", "text")] });
    for (kind, crosses) in [("hosted", true), ("connected", true), ("third_party", false)] {
        let (acme, other) = (context.desk("acme").await, context.desk_of("other", kind).await);
        for desk in [&acme, &other] {
            applied(&context.set(desk, order.clone()).await);
        }
        let pair = Pair::of(&context, acme, other, everything()).await;
        for receipt in [
            pair.set(&context, json!({ "order": "7" })).await,
            pair.set_back(&context, json!({ "order": "8" })).await,
        ] {
            if crosses {
                transferred(&receipt, "order");
            } else {
                withheld(&receipt, "order", Reason::SameKindOnly);
            }
        }
        let value = if crosses { "8" } else { "7" };
        context.heard(&pair.acme, &pair.globex, &pair.share).await;
        pair.comes_back("order", json!(value)).await;
    }
}

pub async fn r_89_custom_fields_cross_only_where_the_terms_say_so(context: ConformanceContext) {
    let [acme, globex] = context.desks(["acme", "globex"]).await;
    for desk in [&acme, &globex] {
        applied(
            &context.set(desk, json!({ "ticket_fields": [field("order", "Order", "text")] })).await,
        );
    }
    let pair = Pair::of(&context, acme, globex, terms("public_and_private", true, false)).await;
    withheld(
        &pair.set(&context, json!({ "order": "7" })).await,
        "order",
        Reason::CustomFieldsNotSynced,
    );
    withheld(
        &pair.set_back(&context, json!({ "order": "8" })).await,
        "order",
        Reason::CustomFieldsNotSynced,
    );
    context.heard(&pair.acme, &pair.globex, &pair.share).await;
    context.heard(&pair.globex, &pair.acme, &pair.share).await;
    pair.comes_back("order", json!("7")).await;
    pair.arrives("order", json!("8")).await;
    let agreement =
        context.agree(&pair.acme, &pair.globex, terms("public_and_private", false, true)).await;
    let (receipt, share) = context
        .share(&pair.acme, &agreement, json!({ "id": "2", "custom_fields": { "order": "9" } }))
        .await;
    transferred(&receipt, "order");
    assert_eq!(
        json!(context.created(&pair.globex, &share).await.custom_fields),
        json!({ "order": "9" })
    );
}

pub async fn r_90_a_field_crosses_where_both_have_one_of_its_title_and_type(
    context: ConformanceContext,
) {
    let ours = [
        field("a", "Order", "text"),
        field("b", "Only here", "text"),
        field("c", "Count", "checkbox"),
    ];
    let theirs = [
        field("t-a", "Order", "text"),
        field("t-b", "Only there", "text"),
        field("t-c", "Count", "integer"),
    ];
    let pair = Pair::with(&context, &ours, &theirs).await;
    let receipt = pair.set(&context, json!({ "a": "7", "b": "7", "c": true })).await;
    transferred(&receipt, "a");
    withheld(&receipt, "b", Reason::NoSuchField);
    withheld(&receipt, "c", Reason::TypeMismatch);
    pair.arrives("t-a", json!("7")).await;
    pair.nothing_in(&context, &["t-b", "t-c", "a", "b", "c"]).await;
    withheld(&pair.set_back(&context, json!({ "t-b": "7" })).await, "t-b", Reason::NoSuchField);
}

pub async fn r_91_titles_are_compared_without_regard_to_case(context: ConformanceContext) {
    let ours = [
        field("a", "Order Number", "text"),
        field("b", "STRASSE", "text"),
        field("c", "Größe", "text"),
    ];
    let theirs = [
        field("t-a", "oRDER nUMBER", "text"),
        field("t-b", "Straße", "text"),
        field("t-c", "GRÖSSE", "text"),
    ];
    let pair = Pair::with(&context, &ours, &theirs).await;
    let receipt = pair.set(&context, json!({ "a": "1", "b": "2", "c": "3" })).await;
    for (key, theirs, value) in [("a", "t-a", "1"), ("b", "t-b", "2"), ("c", "t-c", "3")] {
        transferred(&receipt, key);
        pair.arrives(theirs, json!(value)).await;
    }
}

pub async fn r_91_names_that_look_alike_are_one(context: ConformanceContext) {
    let ours = [
        field("a", "Gro\u{308}\u{df}e\u{a0}(cm)", "text"),
        options("b", "Colour", "tagger", &[("Green", "gru\u{308}n")]),
    ];
    let theirs = [
        field("t-a", "GRÖSSE  (cm)", "text"),
        options("t-b", "Colour\u{200b}", "tagger", &[("green", "Grün")]),
    ];
    let pair = Pair::with(&context, &ours, &theirs).await;
    let receipt = pair.set(&context, json!({ "a": "180", "b": "gru\u{308}n" })).await;
    for (key, theirs, value) in [("a", "t-a", "180"), ("b", "t-b", "Grün")] {
        assert!(
            receipt.decisions.iter().any(|it| it.item.to_string() == format!("custom_field:{key}"))
        );
        pair.arrives(theirs, json!(value)).await;
    }
    let add = |name: &str| json!({ "tags": { "add": [{ "name": name, "added_by": "user" }] } });
    applied(&context.update(&pair.acme, ORIGINAL, add("Größe")).await);
    holds(&pair.globex, &pair.share, "tag:Größe", json!(true)).await;
    let receipt = context.update(&pair.globex, COPY, add("Gro\u{308}\u{df}e")).await;
    item(&receipt, "tag:Gro\u{308}\u{df}e", ItemOutcome::Unchanged, Reason::Unchanged);
    let remove = json!({ "tags": { "remove": [{ "name": "GRÖSSE", "removed_by": "user" }] } });
    applied(&context.update(&pair.globex, COPY, remove).await);
    holds(&pair.acme, &pair.share, "tag:Größe", json!(false)).await;
}

pub async fn r_92_types_that_fit_cross_and_others_do_not(context: ConformanceContext) {
    let level = [("High", "high"), ("Low", "low")];
    let ours = [
        options("level", "Level", "tagger", &level),
        field("day", "Day", "date"),
        field("yes", "Yes", "checkbox"),
    ];
    let theirs = [
        field("level", "Level", "text"),
        field("day", "Day", "integer"),
        field("yes", "Yes", "text"),
    ];
    let pair = Pair::with(&context, &ours, &theirs).await;
    let receipt =
        pair.set(&context, json!({ "level": "high", "day": "2026-03-01", "yes": true })).await;
    transferred(&receipt, "level");
    withheld(&receipt, "day", Reason::TypeMismatch);
    withheld(&receipt, "yes", Reason::TypeMismatch);
    pair.arrives("level", json!("high")).await;
    transferred(&pair.set_back(&context, json!({ "level": "low" })).await, "level");
    pair.comes_back("level", json!("low")).await;
    withheld(
        &pair.set_back(&context, json!({ "level": "no option" })).await,
        "level",
        Reason::BadValue,
    );
}

pub async fn r_93_system_fields_do_not_cross_as_custom_fields(context: ConformanceContext) {
    let system = [
        field("p", "Priority", "text"),
        field("q", "Approval status", "text"),
        field("order", "Order", "text"),
    ];
    let pair = Pair::with(&context, &system, &system).await;
    let keys = ["subject", "status", "assignee", "group", "tags", "p", "q"];
    let mut sent = json!({ "order": "7" });
    for key in keys {
        sent[key] = json!("x");
    }
    let receipt = pair.set(&context, sent).await;
    for key in keys {
        withheld(&receipt, key, Reason::SystemField);
    }
    pair.arrives("order", json!("7")).await;
    pair.nothing_in(&context, &keys).await;
    has_status(&pair.globex, &pair.share, "open").await;
}

pub async fn r_94_a_field_that_does_not_fit_holds_back_nothing_else(context: ConformanceContext) {
    let ours = [field("bad", "Kind", "checkbox"), field("good", "Order", "text")];
    let theirs = [field("bad", "Kind", "date"), field("good", "Order", "text")];
    let pair = Pair::with(&context, &ours, &theirs).await;
    let comment = context.comment(&pair.acme, "All else is fine.", true);
    let change = json!({
        "status": "pending", "comments": [comment], "custom_fields": { "bad": true, "good": "7" },
        "tags": { "add": [{ "name": "vip", "added_by": "user" }] },
    });
    let receipt = context.update(&pair.acme, ORIGINAL, change).await;
    assert_eq!(receipt.outcome, ReceiptOutcome::Partial);
    withheld(&receipt, "bad", Reason::TypeMismatch);
    transferred(&receipt, "good");
    hears(&pair.globex, &comment).await;
    has_status(&pair.globex, &pair.share, "pending").await;
    holds(&pair.globex, &pair.share, "tag:vip", json!(true)).await;
    pair.arrives("good", json!("7")).await;
    pair.nothing_in(&context, &["bad"]).await;
}

pub async fn r_95_options_need_the_same_tags_on_both_sides(context: ConformanceContext) {
    let same = [("High", "high"), ("Low", "low")];
    let ours = [
        options("a", "Level", "tagger", &same),
        options("b", "Area", "multiselect", &same),
        options("c", "Same", "tagger", &same),
    ];
    let other = [("HIGH", "hi"), ("Low", "low")];
    let theirs = [
        options("a", "Level", "tagger", &other),
        options("b", "Area", "multiselect", &other),
        options("c", "Same", "tagger", &same),
    ];
    let pair = Pair::with(&context, &ours, &theirs).await;
    let receipt = pair.set(&context, json!({ "a": "low", "b": ["low"], "c": "low" })).await;
    withheld(&receipt, "a", Reason::OptionTagsDiffer);
    withheld(&receipt, "b", Reason::OptionTagsDiffer);
    transferred(&receipt, "c");
    pair.arrives("c", json!("low")).await;
    pair.nothing_in(&context, &["a", "b"]).await;
}

pub async fn r_96_only_the_account_of_the_change_has_a_record_of_it(context: ConformanceContext) {
    let order = [field("order", "Order", "text")];
    let pair = Pair::with(&context, &order, &order).await;
    let receipt = pair.set(&context, json!({ "order": "7" })).await;
    transferred(&receipt, "order");
    let updated = context
        .updated(&pair.globex, &pair.share, "the field", |updated| {
            !updated.custom_fields.is_empty()
        })
        .await;
    assert_eq!((updated.actor, updated.revision), (None, receipt.revision));
    // Who else did something in the same action is told for that alone.
    applied(
        &context
            .update(
                &pair.acme,
                ORIGINAL,
                json!({ "status": "solved", "custom_fields": { "order": "8" } }),
            )
            .await,
    );
    let updated = context
        .updated(&pair.globex, &pair.share, "the status", |updated| updated.status.is_some())
        .await;
    assert!(updated.actor.is_some() && !updated.custom_fields.is_empty());
}

pub async fn r_97_the_other_account_sees_the_value_and_nothing_of_who_or_when(
    context: ConformanceContext,
) {
    let order = [field("order", "Order", "text")];
    let pair = Pair::with(&context, &order, &order).await;
    let agent =
        json!({ "id": "agent-of-the-field", "name": "Agent of the field", "role": "agent" });
    let change = json!({ "actor": agent, "occurred_at": "2026-01-02T03:04:05.678Z",
        "custom_fields": { "order": "value-7" } });
    applied(&context.update(&pair.acme, ORIGINAL, change).await);
    pair.arrives("order", json!("value-7")).await;
    applied(&pair.globex.ask("ticket.resync.v1", &json!({ "share_id": pair.share })).await);
    let telling: Vec<String> =
        pair.globex.bodies().into_iter().filter(|body| body.contains("value-7")).collect();
    assert_eq!(telling.len(), 2, "{telling:?}");
    for body in telling {
        assert!(
            !body.contains("gent of the field")
                && !body.contains("2026-01-02")
                && !body.contains("actor"),
            "{body}"
        );
    }
}

pub async fn r_98_a_field_has_to_be_on_the_receivers_default_form(context: ConformanceContext) {
    let order = [field("order", "Order", "text")];
    let pair = Pair::with(&context, &order, &order).await;
    applied(&context.set(&pair.globex, json!({ "default_form": [] })).await);
    withheld(&pair.set(&context, json!({ "order": "7" })).await, "order", Reason::NotOnDefaultForm);
    pair.nothing_in(&context, &["order"]).await;
    // For what goes the other way, acme is the receiver.
    transferred(&pair.set_back(&context, json!({ "order": "8" })).await, "order");
    pair.comes_back("order", json!("8")).await;
    applied(&context.set(&pair.globex, json!({ "default_form": ["order"] })).await);
    transferred(&pair.set(&context, json!({ "order": "9" })).await, "order");
    pair.arrives("order", json!("9")).await;
}

pub async fn r_99_a_copy_is_in_the_receivers_default_form(context: ConformanceContext) {
    let Chain { globex, initech, .. } = Chain::under(&context, everything()).await;
    for desk in [&globex, &initech] {
        let forms = desk.with_deliveries(|all| {
            let form = |told: &DeliveryBody| match told {
                DeliveryBody::TicketCreated(created) => Some(created.form.clone()),
                _ => None,
            };
            all.iter().filter_map(|it| form(&it.told)).collect::<Vec<_>>()
        });
        assert_eq!(forms, ["default"]);
    }
}
