//! Users: placeholders and privacy.

use contracts::delivery::DeliveryBody;
use contracts::{ItemOutcome, Person, Reason, ReceiptOutcome, Role};
use serde_json::{Value, json};

use crate::context::{
    ConformanceContext, Partners, agent, applied, everything, item, refused, with,
};
use crate::copies::{COPY, Chain, ORIGINAL, has_status, hears};

/// Somebody of an account, as its desk knows them.
fn person(id: &str, name: &str, role: &str) -> Value {
    json!({ "id": id, "name": name, "role": role, "email": format!("{id}@acme.example"),
        "phone": "+39 055 4711" })
}

/// A stand-in and nothing else: an end user of that name, without an address.
#[track_caller]
fn placeholder(person: &Person, name: &str) {
    let id = person.id.strip_prefix("placeholder-");
    assert!(id.is_some_and(|id| id.len() == 36), "{person:?}");
    assert_eq!(
        (person.name.as_str(), person.role, person.placeholder),
        (name, Role::EndUser, true)
    );
}

pub async fn r_37_each_person_of_the_original_becomes_a_placeholder(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let (requester, author) =
        (person("41", "Requester", "end_user"), person("42", "First Level", "agent"));
    let actor = person("43", "Second Level", "agent");
    let says = |who: &Value| {
        with(context.comment(&acme, "It does not print.", true), &json!({ "author": who }))
    };
    let comments = [says(&requester), says(&author), says(&requester)];
    let command = json!({ "actor": actor,
        "ticket": { "id": ORIGINAL, "requester": requester, "comments": comments } });
    let (receipt, share) = context.share_with(&acme, &agreement, command).await;
    applied(&receipt);
    let created = context.created(&globex, &share).await;
    placeholder(&created.requester, "Requester");
    let authors: Vec<&Person> = created.comments.iter().map(|comment| &comment.author).collect();
    placeholder(authors[1], "First Level");
    assert_eq!([authors[0], authors[2]], [&created.requester; 2], "one placeholder per person");
    assert_ne!(authors[1].id, created.requester.id);
    applied(&context.update(&acme, ORIGINAL, json!({ "status": "solved", "actor": actor })).await);
    let updated =
        context.updated(&globex, &share, "the status", |updated| updated.status.is_some()).await;
    placeholder(&updated.actor.expect("who did it"), "Second Level");
}

pub async fn r_38_a_placeholder_comes_even_where_the_same_person_is_known(
    context: ConformanceContext,
) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let both = person("7", "Agent", "agent");
    let command = json!({ "ticket": { "id": ORIGINAL, "requester": both } });
    let (receipt, share) = context.share_with(&acme, &agreement, command).await;
    applied(&receipt);
    let created = context.created(&globex, &share).await;
    placeholder(&created.requester, "Agent");
    applied(&context.bind(&globex, &share, COPY).await);
    let reply = with(context.comment(&globex, "I know myself.", true), &json!({ "author": both }));
    applied(&context.update(&globex, COPY, json!({ "comments": [reply] })).await);
    let author = hears(&acme, &reply).await.author;
    placeholder(&author, "Agent");
    assert_ne!(
        author.id, created.requester.id,
        "the same id, name and address in two accounts are two people"
    );
}

pub async fn r_39_an_agent_who_comments_on_the_copy_is_an_end_user_at_the_sender(
    context: ConformanceContext,
) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let share = context.shared(&acme, &globex, &agreement, ORIGINAL).await;
    for role in ["agent", "admin", "end_user"] {
        let author = json!({ "id": role, "name": format!("The {role}"), "role": role });
        let comment = context.comment(&globex, "It was the cable.", true);
        applied(
            &context
                .update(
                    &globex,
                    COPY,
                    json!({ "actor": author, "status": "open", "comments": [comment] }),
                )
                .await,
        );
        placeholder(&hears(&acme, &comment).await.author, &format!("The {role}"));
        let said = |updated: &contracts::delivery::TicketUpdated| {
            updated.comments.iter().any(|it| comment["id"] == it.id.as_str())
        };
        let updated = context.updated(&acme, &share, "the comment", said).await;
        placeholder(&updated.actor.expect("who did it"), &format!("The {role}"));
    }
}

pub async fn r_40_a_placeholder_stays_whatever_happens(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let ticket = || json!({ "id": ORIGINAL, "requester": person("41", "Requester", "end_user") });
    let (_, first) = context.share(&acme, &agreement, ticket()).await;
    let requester = context.created(&globex, &first).await.requester;
    let deletion = json!({ "user_id": requester.id, "actor": agent() });
    refused(&globex.ask("user.delete.v1", &deletion).await, Reason::UnknownType);
    refused(&globex.ask("ticket.delete_user.v1", &deletion).await, Reason::UnknownType);
    applied(&context.unshare(&acme, &first).await);
    applied(&context.decide(&acme, "deactivate", &agreement).await);
    let anew = context.agree(&acme, &globex, everything()).await;
    let (_, second) = context.share(&acme, &anew, ticket()).await;
    assert_eq!(context.created(&globex, &second).await.requester, requester);
}

pub async fn r_41_no_address_or_telephone_crosses(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let called = |name: &str| with(person("41", "", "end_user"), &json!({ "name": name }));
    let names = [
        ("somebody@acme.example", "somebody"),
        ("Some Body <somebody@acme.example>", "Some Body somebody"),
        ("\"somebody@acme.example\" (mailto:other@acme.example)", "somebody mailto:other"),
    ];
    for (number, (name, told)) in names.into_iter().enumerate() {
        let comment =
            with(context.comment(&acme, "Hello.", true), &json!({ "author": called(name) }));
        let ticket =
            json!({ "id": format!("n{number}"), "requester": called(name), "comments": [comment] });
        let (receipt, share) = context.share(&acme, &agreement, ticket).await;
        item(&receipt, "requester", ItemOutcome::Withheld, Reason::AddressStays);
        assert_eq!(receipt.outcome, ReceiptOutcome::Applied, "it never crosses");
        let created = context.created(&globex, &share).await;
        placeholder(&created.requester, told);
        placeholder(&created.comments[0].author, told);
        let change = json!({ "actor": called(name), "status": "solved" });
        applied(&context.update(&acme, &format!("n{number}"), change).await);
        has_status(&globex, &share, "solved").await;
    }
    for body in globex.bodies() {
        assert!(!body.contains("acme.example") && !body.contains("055 4711"), "{body}");
    }
}

pub async fn r_41_an_address_is_cut_wherever_it_stands_in_a_name(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let names = [
        "somebody@acme.example,other@acme.example",
        "Some Body\tsomebody@acme.example",
        "Some Body\n[somebody@acme.example]",
        "Some.Body@mail.acme.example.",
        "caller somebody@acme.example (context)",
        "@somebody@acme.example",
    ];
    for name in names {
        let who = with(person("41", "", "end_user"), &json!({ "name": name }));
        let comment = with(context.comment(&acme, "Hello.", true), &json!({ "author": who }));
        let (receipt, share) = context
            .share(&acme, &agreement, json!({ "requester": who, "comments": [comment] }))
            .await;
        applied(&receipt);
        context.created(&globex, &share).await;
        let told = globex.bodies().into_iter().find(|body| body.contains("acme.example"));
        assert_eq!(told, None, "{name:?}");
    }
}

pub async fn r_41_a_customers_number_is_no_telephone(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    for (name, shown, is_said) in [
        ("Kunde 10000001", "Kunde 10000001", false),
        ("Kunde 10000002", "Kunde 10000002", false),
        ("Order 2024-000123", "Order 2024-000123", false),
        ("Some Body +39 055 1234567", "Some Body …", true),
        ("somebody＠acme.example", "somebody", true),
    ] {
        let who = with(
            person("41", "", "end_user"),
            &json!({ "name": name, "email": null, "phone": null }),
        );
        let (receipt, share) = context.share(&acme, &agreement, json!({ "requester": who })).await;
        let said = receipt.decisions.iter().any(|it| {
            it.item == contracts::Item::Requester
                && it.reason == Some(contracts::Reason::AddressStays)
        });
        assert_eq!(said, is_said, "{name}: {receipt:?}");
        assert_eq!(context.created(&globex, &share).await.requester.name, shown);
    }
}

pub async fn r_42_nothing_leads_from_a_shared_ticket_to_a_user_of_the_receiver(
    context: ConformanceContext,
) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let requester = person("globex-user-9", "Requester", "end_user");
    let (_, share) =
        context.share(&acme, &agreement, json!({ "id": ORIGINAL, "requester": requester })).await;
    let created = context.created(&globex, &share).await;
    let told = serde_json::to_value(&created.requester).expect("JSON");
    let members: Vec<&String> = told.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["id", "name", "placeholder", "role"]);
    for body in globex.bodies() {
        assert!(!body.contains("globex-user-9"), "not even the sender's own id: {body}");
    }
}

pub async fn also_a_placeholder_is_handed_on_unchanged_along_the_chain(
    context: ConformanceContext,
) {
    let Chain { acme, globex, initech, first, second } = Chain::under(&context, everything()).await;
    let comment = with(
        context.comment(&acme, "Hello.", true),
        &json!({ "author": person("41", "Requester", "end_user") }),
    );
    applied(&context.update(&acme, ORIGINAL, json!({ "comments": [comment] })).await);
    let near = hears(&globex, &comment).await.author;
    assert_eq!(hears(&initech, &comment).await.author, near);
    // What globex hands on by its own hand keeps the placeholder that it got.
    let stand_in = json!({ "id": near.id, "name": near.name, "role": "end_user" });
    let quote = with(
        context.comment(&globex, "She also says: it smells.", true),
        &json!({ "author": stand_in }),
    );
    let change = json!({ "status": "pending", "actor": stand_in, "comments": [quote] });
    applied(&context.update(&globex, COPY, change).await);
    for (desk, share) in [(&acme, &first), (&initech, &second)] {
        assert_eq!(hears(desk, &quote).await.author, near);
        let updated =
            context.updated(desk, share, "the status", |updated| updated.status.is_some()).await;
        assert_eq!(updated.actor.as_ref(), Some(&near));
    }
    let [hooli] = context.desks(["hooli"]).await;
    let onward = context.agree(&initech, &hooli, everything()).await;
    let ticket = json!({ "id": "1-far-copy", "copy_of": second, "requester": stand_in });
    let (receipt, third) = context.share(&initech, &onward, ticket).await;
    applied(&receipt);
    let created = context.created(&hooli, &third).await;
    assert_eq!(created.requester, near);
    let by_others = created.comments.iter().filter(|comment| comment.author != near).count();
    assert_eq!((created.comments.len(), by_others), (2, 0));
    let told = |told: &DeliveryBody| matches!(told, DeliveryBody::TicketCreated(_));
    assert_eq!(hooli.with_deliveries(|all| all.iter().filter(|it| told(&it.told)).count()), 1);
}

pub async fn also_a_made_up_placeholder_is_a_person_of_its_account(context: ConformanceContext) {
    let partners = context.partners(everything()).await;
    let (acme, globex) = (&partners.acme, &partners.globex);
    let share = context.shared(acme, globex, &partners.agreement, ORIGINAL).await;
    let said_by = async |desk: &testkit::Desk, other: &testkit::Desk, id: &str| {
        let author = json!({ "author": person(id, "Ada", "agent") });
        let comment = with(context.comment(desk, "Hello.", true), &author);
        applied(&context.update_share(desk, &share, json!({ "comments": [comment] })).await);
        hears(other, &comment).await.author.id
    };
    let made_up = "placeholder-0b9f0a52-7c1e-8d9a-9a36-3c9f9f9d8f10";
    let stand_in = said_by(acme, globex, made_up).await;
    assert_ne!(stand_in, made_up);
    assert_ne!(said_by(globex, acme, made_up).await, stand_in, "each account's own person");
    assert_eq!(said_by(globex, acme, &stand_in).await, stand_in, "one that was told is known");
}
