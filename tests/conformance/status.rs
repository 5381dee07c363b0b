//! Status and tags.

use contracts::{ItemOutcome, Reason, Receipt, ReceiptOutcome, ShareId};
use serde_json::{Value, json};
use testkit::Desk;

use crate::context::{ConformanceContext, applied, everything, item, terms};
use crate::copies::{COPY, Chain, FAR_COPY, ORIGINAL, has_status, held, holds};

/// Custom statuses as both accounts may have them, alike to the letter: a default for each category
/// and a second one for some.
fn alike() -> Value {
    let status = |key: &str, category: &str, default: bool| {
        json!({
            "key": key,
            "name": key,
            "category": category,
            "default": default,
        })
    };
    json!({ "custom_statuses": { "enabled": true, "statuses": [
        status("fresh", "new", true),
        status("working", "open", true),
        status("escalated", "open", false),
        status("asked", "pending", true),
        status("parts", "pending", false),
        status("waiting", "hold", true),
        status("done", "solved", true),
        status("archived", "closed", true),
    ] } })
}

/// The default that an account with [`alike`] has for a category.
fn default_of(category: &str) -> &'static str {
    match category {
        "new" => "fresh",
        "open" => "working",
        "pending" => "asked",
        "solved" => "done",
        _ => "archived",
    }
}

/// Two desks with a ticket that one shared with the other, each with or without custom statuses.
struct Pair {
    acme: Desk,
    globex: Desk,
    share: ShareId,
}

impl Pair {
    async fn new(context: &ConformanceContext, at_sender: bool, at_receiver: bool) -> Self {
        let [acme, globex] = context.desks(["acme", "globex"]).await;
        for (desk, custom) in [(&acme, at_sender), (&globex, at_receiver)] {
            if custom {
                applied(&context.set(desk, alike()).await);
            }
        }
        let agreement = context.agree(&acme, &globex, everything()).await;
        let share = context.shared(&acme, &globex, &agreement, ORIGINAL).await;
        Self { acme, globex, share }
    }

    /// Sends a change of status from one side and waits until the other holds what is expected.
    async fn crosses(
        &self,
        context: &ConformanceContext,
        from: &Desk,
        change: Value,
        expected: Value,
    ) -> Receipt {
        let (number, to) = if from.account == self.acme.account {
            (ORIGINAL, &self.globex)
        } else {
            (COPY, &self.acme)
        };
        let receipt = context.update(from, number, change).await;
        applied(&receipt);
        holds(to, &self.share, "status", expected).await;
        receipt
    }
}

fn plain(status: &str) -> Value {
    json!({ "value": status })
}

fn custom(category: &str, key: &str) -> Value {
    json!({ "value": category, "custom_status": key })
}

pub async fn r_48_hold_arrives_as_open(context: ConformanceContext) {
    let pair = Pair::new(&context, false, false).await;
    for from in [&pair.acme, &pair.globex] {
        pair.crosses(&context, from, json!({ "status": "pending" }), plain("pending")).await;
        let receipt =
            pair.crosses(&context, from, json!({ "status": "hold" }), plain("open")).await;
        item(&receipt, "status", ItemOutcome::Mapped, Reason::OnHoldMapsToOpen);
        has_status(from, &pair.share, "hold").await;
    }
}

pub async fn r_49a_without_custom_statuses_each_arrives_as_it_is(context: ConformanceContext) {
    let pair = Pair::new(&context, false, false).await;
    for from in [&pair.acme, &pair.globex] {
        for status in ["new", "pending", "solved", "closed", "open"] {
            let receipt =
                pair.crosses(&context, from, json!({ "status": status }), plain(status)).await;
            item(&receipt, "status", ItemOutcome::Transferred, None);
        }
        pair.crosses(&context, from, json!({ "status": "pending" }), plain("pending")).await;
        pair.crosses(&context, from, json!({ "status": "hold" }), plain("open")).await;
    }
}

pub async fn r_49b_custom_statuses_arrive_as_their_category(context: ConformanceContext) {
    let pair = Pair::new(&context, true, false).await;
    for (key, category) in [
        ("parts", "pending"),
        ("done", "solved"),
        ("escalated", "open"),
        ("archived", "closed"),
        ("fresh", "new"),
    ] {
        let receipt = pair
            .crosses(&context, &pair.acme, json!({ "custom_status": key }), plain(category))
            .await;
        item(&receipt, "status", ItemOutcome::Mapped, Reason::CategoryMapped);
        holds(&pair.acme, &pair.share, "status", custom(category, key)).await;
    }
    pair.crosses(&context, &pair.acme, json!({ "custom_status": "parts" }), plain("pending")).await;
    let receipt = pair
        .crosses(&context, &pair.acme, json!({ "custom_status": "waiting" }), plain("open"))
        .await;
    item(&receipt, "status", ItemOutcome::Mapped, Reason::OnHoldMapsToOpen);
}

pub async fn r_49c_a_status_arrives_as_its_categorys_default(context: ConformanceContext) {
    let pair = Pair::new(&context, false, true).await;
    for status in ["pending", "solved", "new", "closed", "open"] {
        let receipt = pair
            .crosses(
                &context,
                &pair.acme,
                json!({ "status": status }),
                custom(status, default_of(status)),
            )
            .await;
        item(&receipt, "status", ItemOutcome::Mapped, Reason::CategoryMapped);
    }
    pair.crosses(&context, &pair.acme, json!({ "status": "pending" }), custom("pending", "asked"))
        .await;
    pair.crosses(&context, &pair.acme, json!({ "status": "hold" }), custom("open", "working"))
        .await;
    // What comes back is R-49b, from the other side.
    pair.crosses(&context, &pair.globex, json!({ "custom_status": "parts" }), plain("pending"))
        .await;
}

pub async fn r_49d_alike_or_not_custom_statuses_arrive_as_the_categorys_default(
    context: ConformanceContext,
) {
    let pair = Pair::new(&context, true, true).await;
    for from in [&pair.acme, &pair.globex] {
        for (key, category) in
            [("parts", "pending"), ("done", "solved"), ("escalated", "open"), ("fresh", "new")]
        {
            let change = json!({ "custom_status": key });
            let receipt =
                pair.crosses(&context, from, change, custom(category, default_of(category))).await;
            item(&receipt, "status", ItemOutcome::Mapped, Reason::CategoryMapped);
        }
    }
    pair.crosses(
        &context,
        &pair.acme,
        json!({ "custom_status": "waiting" }),
        custom("open", "working"),
    )
    .await;
}

/// Another table would have both copies keep a status that both accounts have; the reference's has
/// none of it.
pub async fn d_02_the_same_custom_status_on_both_sides_is_no_exception(
    context: ConformanceContext,
) {
    let pair = Pair::new(&context, true, true).await;
    pair.crosses(
        &context,
        &pair.acme,
        json!({ "custom_status": "parts" }),
        custom("pending", "asked"),
    )
    .await;
    pair.crosses(
        &context,
        &pair.globex,
        json!({ "custom_status": "escalated" }),
        custom("open", "working"),
    )
    .await;
    pair.crosses(
        &context,
        &pair.acme,
        json!({ "custom_status": "parts" }),
        custom("pending", "asked"),
    )
    .await;
}

pub async fn r_50_a_custom_status_of_on_hold_arrives_as_open_or_its_default(
    context: ConformanceContext,
) {
    for (at_receiver, open) in [(false, plain("open")), (true, custom("open", "working"))] {
        let pair = Pair::new(&context, true, at_receiver).await;
        applied(&context.update(&pair.acme, ORIGINAL, json!({ "custom_status": "parts" })).await);
        let receipt =
            pair.crosses(&context, &pair.acme, json!({ "custom_status": "waiting" }), open).await;
        item(&receipt, "status", ItemOutcome::Mapped, Reason::OnHoldMapsToOpen);
        holds(&pair.acme, &pair.share, "status", custom("hold", "waiting")).await;
    }
}

pub async fn also_only_a_change_of_category_is_sent(context: ConformanceContext) {
    let Pair { acme, globex, share } = Pair::new(&context, true, true).await;
    applied(&context.update(&acme, ORIGINAL, json!({ "custom_status": "parts" })).await);
    holds(&globex, &share, "status", custom("pending", "asked")).await;
    for (desk, number, key) in
        [(&globex, COPY, "parts"), (&acme, ORIGINAL, "asked"), (&acme, ORIGINAL, "parts")]
    {
        let receipt = context.update(desk, number, json!({ "custom_status": key })).await;
        item(&receipt, "status", ItemOutcome::Unchanged, Reason::Unchanged);
    }
    // On-hold here is open there: neither is news to the other.
    applied(&context.update(&acme, ORIGINAL, json!({ "custom_status": "waiting" })).await);
    holds(&globex, &share, "status", custom("open", "working")).await;
    for key in ["escalated", "working"] {
        let receipt = context.update(&globex, COPY, json!({ "custom_status": key })).await;
        item(&receipt, "status", ItemOutcome::Unchanged, Reason::Unchanged);
    }
    context.heard(&globex, &acme, &share).await;
    context.heard(&acme, &globex, &share).await;
    assert_eq!(held(&globex, &share, "status"), Some(custom("open", "working")));
    assert_eq!(held(&acme, &share, "status"), Some(custom("hold", "waiting")));
}

pub async fn also_a_custom_status_that_there_is_not_changes_nothing(context: ConformanceContext) {
    let Pair { acme, globex, share } = Pair::new(&context, true, false).await;
    let receipt = context.update(&acme, ORIGINAL, json!({ "custom_status": "nowhere" })).await;
    item(&receipt, "status", ItemOutcome::Withheld, Reason::NoSuchStatus);
    let receipt = context
        .update(&acme, ORIGINAL, json!({ "status": "solved", "custom_status": "parts" }))
        .await;
    item(&receipt, "status", ItemOutcome::Withheld, Reason::NoSuchStatus);
    context.heard(&globex, &acme, &share).await;
    has_status(&globex, &share, "open").await;
    // Without custom statuses of its own, an account is told what its ticket holds instead.
    let receipt = context
        .update(&globex, COPY, json!({ "status": "pending", "custom_status": "parts" }))
        .await;
    let told = receipt.decisions.iter().find_map(|decision| decision.value.clone());
    assert_eq!((told, receipt.outcome), (Some(plain("pending")), ReceiptOutcome::Applied));
    holds(&acme, &share, "status", custom("pending", "asked")).await;
}

pub async fn r_60_tags_are_kept_in_step_both_ways_or_not_at_all(context: ConformanceContext) {
    let add = |name: &str| json!({ "tags": { "add": [{ "name": name, "added_by": "user" }] } });
    let remove =
        |name: &str| json!({ "tags": { "remove": [{ "name": name, "removed_by": "user" }] } });
    let Chain { acme, globex, initech, first, second } = Chain::under(&context, everything()).await;
    for (desk, number, name) in
        [(&acme, ORIGINAL, "vip"), (&globex, COPY, "lyon"), (&initech, FAR_COPY, "night shift")]
    {
        item(
            &context.update(desk, number, add(name)).await,
            &format!("tag:{name}"),
            ItemOutcome::Transferred,
            None,
        );
    }
    // Each takes off what another set.
    for (desk, number, name) in
        [(&acme, ORIGINAL, "lyon"), (&globex, COPY, "night shift"), (&initech, FAR_COPY, "vip")]
    {
        applied(&context.update(desk, number, remove(name)).await);
        for (desk, share) in [(&acme, &first), (&globex, &first), (&initech, &second)] {
            holds(desk, share, &format!("tag:{name}"), json!(false)).await;
        }
    }
    let without = Chain::under(&context, terms("public_and_private", false, true)).await;
    for (desk, number) in
        [(&without.acme, ORIGINAL), (&without.globex, COPY), (&without.initech, FAR_COPY)]
    {
        let receipt = context.update(desk, number, add("vip")).await;
        item(&receipt, "tag:vip", ItemOutcome::Withheld, Reason::TagsNotSynced);
        item(
            &context.update(desk, number, remove("old")).await,
            "tag:old",
            ItemOutcome::Withheld,
            Reason::TagsNotSynced,
        );
    }
    for (listener, teller, share) in [
        (&without.acme, &without.globex, &without.first),
        (&without.globex, &without.initech, &without.second),
        (&without.initech, &without.globex, &without.second),
    ] {
        let told = context.heard(listener, teller, share).await;
        let with_tags = |told: &contracts::delivery::DeliveryBody| {
            serde_json::to_string(told).is_ok_and(|text| text.contains("\"add\""))
        };
        assert!(!told.iter().any(with_tags), "{told:?}");
    }
}

pub async fn r_61_tags_of_business_rules_never_cross(context: ConformanceContext) {
    let Chain { acme, globex, initech, first, second } = Chain::under(&context, everything()).await;
    let user = json!({ "tags": { "add": [{ "name": "vip", "added_by": "user" }] } });
    applied(&context.update(&acme, ORIGINAL, user).await);
    holds(&initech, &second, "tag:vip", json!(true)).await;
    for (desk, number) in [(&acme, ORIGINAL), (&globex, COPY), (&initech, FAR_COPY)] {
        let by_rule = json!({ "tags": {
            "add": [{ "name": "auto", "added_by": "rule" }, { "name": number, "added_by": "user" }],
            "remove": [{ "name": "vip", "removed_by": "rule" }],
        } });
        let receipt = context.update(desk, number, by_rule).await;
        for tag in ["tag:auto", "tag:vip"] {
            item(&receipt, tag, ItemOutcome::Withheld, Reason::AddedByRule);
        }
    }
    for (desk, share) in [(&acme, &first), (&globex, &first), (&initech, &second)] {
        for number in [ORIGINAL, COPY, FAR_COPY] {
            holds(desk, share, &format!("tag:{number}"), json!(true)).await;
        }
        assert_eq!(
            (held(desk, share, "tag:vip"), held(desk, share, "tag:auto")),
            (Some(json!(true)), None),
            "{}",
            desk.account
        );
    }
}
