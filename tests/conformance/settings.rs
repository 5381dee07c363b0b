//! What an account registers: patterns, options in parts, versions, and how it reads them again.

use contracts::delivery::{AccountState, AgreementComparison, DeliveryBody, FieldCompared};
use contracts::{AgreementId, ItemOutcome, Reason, Receipt};
use serde_json::{Value, json};
use testkit::Desk;
use testkit::desk::clock;

use crate::context::{ConformanceContext, admin, applied, item, refused, with};
use crate::copies::{ORIGINAL, holds};
use crate::fields::{Pair, field};
use crate::words::everything;

fn pattern(key: &str, pattern: &str, is_checked: bool) -> Value {
    let mut of_key = field(key, key, "regexp");
    (of_key["pattern"], of_key["pattern_checked"]) = (json!(pattern), json!(is_checked));
    of_key
}

/// An update without a version.
async fn set_next(desk: &Desk, settings: Value) -> Receipt {
    let update = with(json!({ "actor": admin() }), &settings);
    desk.ask("account.update.v1", &update).await
}

async fn shown(desk: &Desk, field: Option<&str>) -> AccountState {
    applied(&desk.ask("account.show.v1", &json!({ "ticket_field": field })).await);
    // The receipt comes after what was asked for.
    let state = |told: &DeliveryBody| match told {
        DeliveryBody::AccountState(state) => Some(AccountState::clone(state)),
        _ => None,
    };
    let told = desk.deliveries();
    told.iter().rev().find_map(|delivered| state(&delivered.told)).expect("its own account")
}

pub async fn also_everyday_patterns_take_values_and_others_are_refused(
    context: ConformanceContext,
) {
    let [acme] = context.desks(["acme"]).await;
    for foreign in ["(?=a)b", r"(a)\1", r"a\Z", r"\h+", "(("] {
        let receipt = context
            .set(&acme, json!({ "ticket_fields": [pattern("serial", foreign, true)] }))
            .await;
        refused(&receipt, Reason::Malformed);
        let detail = receipt.detail.expect("it says why");
        assert!(detail.starts_with("/ticket_fields/0/pattern: "), "{detail}");
        assert!(detail.contains("serial") && detail.contains("pattern_checked"), "{detail}");
    }
    let everyday = [
        (r"\w{1,20}", "Müller"),
        (r"^.{0,500}$", "anything at all"),
        (r"\p{L}{1,40}", "Žižek"),
        (r"[\w-]{1,12}", "ab-1"),
    ];
    let mut fields: Vec<Value> =
        everyday.iter().map(|(of_key, _)| pattern(of_key, of_key, true)).collect();
    fields.push(pattern("foreign", "(?=a)b", false));
    let pair = Pair::with(&context, &fields, &fields).await;
    for (key, value) in everyday.into_iter().chain([("foreign", "any text")]) {
        applied(&pair.set(&context, json!({ key: value })).await);
        pair.arrives(key, json!(value)).await;
    }
    let receipt = pair.set(&context, json!({ r"\w{1,20}": "two words" })).await;
    item(&receipt, r"custom_field:\w{1,20}", ItemOutcome::Withheld, Reason::BadValue);
}

/// Compares, and is told one page of it.
async fn compared(desk: &Desk, agreement: &AgreementId) -> AgreementComparison {
    applied(&desk.ask("agreement.compare.v1", &json!({ "agreement_id": agreement })).await);
    let comparison = |told: &DeliveryBody| match told {
        DeliveryBody::AgreementComparison(comparison) => {
            Some(AgreementComparison::clone(comparison))
        }
        _ => None,
    };
    let told = desk.deliveries();
    told.iter().rev().find_map(|delivered| comparison(&delivered.told)).expect("what it asked for")
}

pub async fn also_what_a_comparison_says_is_what_becomes_of_the_values(
    context: ConformanceContext,
) {
    let [acme, globex, initech] = context.desks(["acme", "globex", "initech"]).await;
    let ours = [("order", "Order", "text"), ("due", "Due", "date"), ("own", "Only ours", "text")];
    let theirs =
        [("o", "ORDER", "textarea"), ("d", "due", "checkbox"), ("x", "Only theirs", "text")];
    for (desk, fields) in [(&acme, ours), (&globex, theirs)] {
        let fields = fields.map(|(key, title, kind)| field(key, title, kind));
        applied(&context.set(desk, json!({ "ticket_fields": fields })).await);
    }
    let (receipt, agreement) = context.invite(&acme, &globex, everything()).await;
    applied(&receipt);
    let ask = json!({ "agreement_id": agreement });
    refused(&acme.ask("agreement.compare.v1", &ask).await, Reason::AgreementNotAccepted);
    applied(&context.decide(&globex, "accept", &agreement).await);
    refused(&initech.ask("agreement.compare.v1", &ask).await, Reason::UnknownAgreement);

    let told = |comparison: &AgreementComparison| -> Vec<(String, Option<Reason>)> {
        let row = |field: &FieldCompared| (field.title.clone(), field.to_partner.reason);
        comparison.fields.iter().map(row).collect()
    };
    let row = |title: &str, reason| (title.to_owned(), reason);
    let expected = [
        row("Due", Some(Reason::TypeMismatch)),
        row("Only ours", Some(Reason::NoSuchField)),
        row("Order", None),
    ];
    assert_eq!(told(&compared(&acme, &agreement).await), expected);
    let share = context.shared(&acme, &globex, &agreement, ORIGINAL).await;
    let values = json!({ "due": "2026-12-24", "own": "stays", "order": "crosses" });
    let receipt = context.update(&acme, ORIGINAL, json!({ "custom_fields": values })).await;
    item(&receipt, "custom_field:due", ItemOutcome::Withheld, Reason::TypeMismatch);
    item(&receipt, "custom_field:own", ItemOutcome::Withheld, Reason::NoSuchField);
    holds(&globex, &share, "custom_field:o", json!("crosses")).await;

    applied(&context.set(&globex, json!({ "show_fields": true })).await);
    let all = compared(&acme, &agreement).await;
    let theirs = all.fields.iter().find(|field| field.title == "Only theirs").expect("it is shown");
    assert_eq!(theirs.from_partner.reason, Some(Reason::NoSuchField));
    assert!(shown(&globex, None).await.show_fields);
}

pub async fn also_a_drop_down_in_parts_is_whole_for_the_partner(context: ConformanceContext) {
    let own = [field("product", "Product", "tagger")];
    let pair = Pair::with(&context, &own, &own).await;
    let option = |number: usize| {
        json!({
            "name": format!("An ordinary option with number {number}"),
            "tag": format!("option_{number:05}"),
        })
    };
    for desk in [&pair.acme, &pair.globex] {
        for part in [3, 1, 4, 2] {
            let options: Vec<Value> =
                (0..2_500).map(|at| option((part - 1) * 2_500 + at)).collect();
            let parts = json!([{ "key": "product", "part": part, "options": options }]);
            applied(&context.set(desk, json!({ "ticket_field_options": parts })).await);
        }
    }
    for tag in ["option_00000", "option_09999", "option_02500"] {
        applied(&pair.set(&context, json!({ "product": tag })).await);
        pair.arrives("product", json!(tag)).await;
    }
    let taken = json!([{ "key": "product", "part": 4, "options": [] }]);
    applied(&context.set(&pair.globex, json!({ "ticket_field_options": taken })).await);
    applied(&pair.set(&context, json!({ "product": "option_00001" })).await);
    let receipt = pair.set(&context, json!({ "product": "option_09998" })).await;
    item(&receipt, "custom_field:product", ItemOutcome::Withheld, Reason::BadValue);
    let state = shown(&pair.globex, Some("product")).await;
    assert_eq!(state.ticket_fields[0].option_count, 7_500);
    assert_eq!(state.ticket_fields[0].options.as_ref().map(Vec::len), Some(7_500));
}

pub async fn also_an_account_reads_its_settings_with_versions_limits_and_use(
    context: ConformanceContext,
) {
    let [acme] = context.desks(["acme"]).await;
    let settings =
        json!({ "secure_downloads": true, "ticket_fields": [field("order", "Order", "text")] });
    applied(&context.set(&acme, settings).await);
    applied(&set_next(&acme, json!({ "locale": "de" })).await);
    let state = shown(&acme, None).await;
    assert_eq!((state.account, state.locale), (acme.account.clone(), Some("de".to_owned())));
    assert!(state.secure_downloads);
    let version = |name: &str| {
        let held = state.attributes.iter().find(|held| held.name == name);
        held.map(|held| held.version).expect("an attribute that was set is listed")
    };
    assert_eq!(version("locale"), version("secure_downloads") + 1, "the highest held and one more");
    let fields = state.used.iter().find(|usage| usage.of == "ticket_fields");
    let fields = fields.expect("the use of every limit is listed");
    assert_eq!((fields.held, fields.limit), (1, 400));
}

pub async fn also_a_version_that_was_far_too_high_has_a_way_back(context: ConformanceContext) {
    const HIGHEST: u64 = (1 << 53) - 1;
    let [acme] = context.desks(["acme"]).await;
    let titled = |version: u64, title: &str| {
        json!({
            "version": version,
            "actor": admin(),
            "display_name": title,
        })
    };
    refused(&acme.ask("account.update.v1", &titled(HIGHEST + 1, "No")).await, Reason::Malformed);
    applied(&acme.ask("account.update.v1", &titled(HIGHEST, "High")).await);
    let receipt = acme.ask("account.update.v1", &titled(7, "Low")).await;
    assert_eq!(receipt.reason, Some(Reason::NewerChangeExists));
    let lower = json!({ "account": acme.account, "attributes": ["display_name"], "version": 6 });
    refused(&acme.ask("account.lower.v1", &lower).await, Reason::NotYourAccount);
    applied(&context.operator().ask("account.lower.v1", &lower).await);
    applied(&acme.ask("account.update.v1", &titled(7, "Low")).await);
    assert_eq!(shown(&acme, None).await.display_name, "Low");
}

pub async fn part_5_a_clock_that_was_ahead_keeps_no_later_change_out(context: ConformanceContext) {
    let pair = Pair::with(&context, &[], &[]).await;
    for (ahead, status) in
        [(20 * 3600, "pending"), (0, "solved"), (20 * 3600, "pending"), (0, "open")]
    {
        let changes = json!({ "status": status, "occurred_at": clock().plus_seconds(ahead) });
        let receipt = context.update(&pair.acme, ORIGINAL, changes).await;
        item(&receipt, "status", ItemOutcome::Transferred, None);
    }
}
