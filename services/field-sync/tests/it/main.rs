//! The service against a real database: what one batch saves, the next one decides by.

#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

mod dry_run;
mod migration;
mod touched;

use contracts::command::AccountKind;
use contracts::fields::{FieldType, Status, TicketField};
use contracts::people::Role;
use contracts::sync::{
    AccountFact, Action, Change, CommandRef, Fact, FieldChanges, Hop, Sharing, StatusChange,
    TagChange, Transfer,
};
use contracts::terms::CommentTerms;
use contracts::topology;
use contracts::{
    AccountName, AgreementId, ChainId, CopyId, Message, Person, ReceiptOutcome, ShareId, Terms,
    TicketId, Timestamp,
};
use field_sync::{FieldSync, Inbound};
use local::TestEnvironment;
use messaging::{HandlerResult, Output, ReceivedMessage, Service};
use serde_json::{Value, json};
use sqlx::PgPool;

fn name(account: &str) -> AccountName {
    AccountName::new(account).unwrap()
}

fn time(second: i64) -> Timestamp {
    Timestamp::parse("2026-03-01T10:00:00Z").unwrap().plus_seconds(second)
}

fn command(account: &str, message_id: &str, command_type: &str, second: i64) -> CommandRef {
    CommandRef {
        account: name(account),
        message_id: message_id.into(),
        command_type: command_type.into(),
        received_at: time(second),
        remarks: contracts::sync::Remarks::default(),
    }
}

fn fact(account: &str, field_key: &str) -> Inbound {
    let field = TicketField {
        key: field_key.into(),
        title: "Order".into(),
        field_type: FieldType::Text,
        options: Vec::new(),
        pattern: None,
        pattern_checked: true,
    };
    let command = command(account, "f1", "account.update.v1", 0);
    Inbound::Fact(Box::new(Fact {
        change: Change::Account(Box::new(AccountFact {
            ticket_fields: vec![field],
            ..AccountFact::registered(name(account), AccountKind::Connected)
        })),
        receipt: command.receipt(ReceiptOutcome::Applied),
        command,
        deliveries: Vec::new(),
        notices: Vec::new(),
        compare: None,
        epoch: None,
    }))
}

fn hop() -> Hop {
    Hop {
        share_id: ShareId::new("00000000-0000-4000-8000-000000000001").unwrap(),
        agreement_id: AgreementId::new("a0000000-0000-4000-8000-000000000001").unwrap(),
        sender: name("acme"),
        receiver: name("globex"),
        near: original(),
        near_ticket: TicketId::new("1").unwrap(),
        far_ticket: None,
        terms: Terms { comments: CommentTerms::PublicAndPrivate, tags: true, custom_fields: true },
    }
}

fn original() -> CopyId {
    CopyId::original(&name("acme"), &TicketId::new("1").unwrap())
}

fn person() -> Person {
    Person {
        id: "placeholder-1".into(),
        name: "Agent Ada".into(),
        role: Role::EndUser,
        placeholder: true,
    }
}

fn transfer(
    account: &str,
    copy: &CopyId,
    message_id: &str,
    second: i64,
    status: Status,
) -> Transfer {
    let (command, chain) = (
        command(account, message_id, "ticket.update.v1", second),
        ChainId::starting_with(&original()),
    );
    let status = Some(StatusChange { status: Some(status), custom_status: None });
    let fields = FieldChanges { status, ..FieldChanges::default() };
    Transfer {
        fields,
        ..Transfer::new(command, chain, copy.clone(), vec![hop()], Action::Update, person())
    }
}

fn share() -> Transfer {
    let sharing = Sharing {
        share_id: hop().share_id,
        original_ticket_id: TicketId::new("1").unwrap(),
        subject: "a subject".into(),
        requested_at: None,
        requester: person(),
    };
    let mut share = transfer("acme", &original(), "m1", 1, Status::Hold);
    share.action = Action::Share(Box::new(sharing));
    share.fields.tags.push(TagChange { name: "vip".into(), present: true, by_rule: false });
    share.fields.custom_fields.insert("order".into(), json!("7"));
    share
}

fn received(message: Inbound) -> ReceivedMessage<Inbound> {
    ReceivedMessage {
        account: ReceivedMessage::<Inbound>::INTERNAL.to_owned(),
        message_id: "in".into(),
        message_type: Transfer::NAME.into(),
        publisher: None,
        received_at: time(0),
        message,
        remarks: contracts::sync::Remarks::default(),
    }
}

/// Routing key and body of all that is sent.
type Sent = Vec<(String, Value)>;

fn sent(verdict: &HandlerResult) -> Sent {
    let sent = |output: &Output| {
        (output.routing_key().to_owned(), serde_json::from_str(output.body()).unwrap())
    };
    match verdict {
        HandlerResult::Decided(outputs) => outputs.iter().map(sent).collect(),
        other => panic!("the last stage decides everything, not {other:?}"),
    }
}

/// Decides a batch in a transaction of its own, as the runtime does; what is sent, per message.
async fn decide_with(
    service: &FieldSync,
    pool: &PgPool,
    batch: &[ReceivedMessage<Inbound>],
) -> Vec<Sent> {
    let mut transaction = pool.begin().await.unwrap();
    let batch: Vec<_> = batch.iter().collect();
    let mut state = service.load(&mut transaction, &batch).await.unwrap();
    let verdicts: Vec<HandlerResult> = batch
        .iter()
        .map(|received| messaging::decide_and_apply(service, &mut state, received))
        .collect();
    service.save(&mut transaction, state).await.unwrap();
    transaction.commit().await.unwrap();
    verdicts.iter().map(sent).collect()
}

async fn decide(pool: &PgPool, batch: Vec<Inbound>) -> Vec<Sent> {
    let batch: Vec<ReceivedMessage<Inbound>> = batch.into_iter().map(received).collect();
    decide_with(&FieldSync::default(), pool, &batch).await
}

#[tokio::test]
async fn what_one_batch_saves_the_next_decides_by() {
    let world = TestEnvironment::new("field_sync_state").await;
    let pool = world.pool(topology::Service::FieldSync, field_sync::migrations()).await;
    let update = |account, copy: &CopyId, id, second, status| {
        Inbound::Transfer(Box::new(transfer(account, copy, id, second, status)))
    };
    let far = hop().far();

    let sent = decide(
        &pool,
        vec![
            fact("acme", "order"),
            fact("globex", "order-no"),
            Inbound::Transfer(Box::new(share())),
        ],
    )
    .await;
    assert_eq!(
        sent[0].iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(),
        ["acme.command.receipt"]
    );
    let (key, created) = &sent[2][0];
    assert_eq!(key, "globex.ticket.created");
    assert_eq!((&created["status"], &created["tags"]), (&json!("open"), &json!(["vip"])));
    assert_eq!(
        (&created["custom_fields"], &created["revision"]),
        (&json!({ "order-no": "7" }), &json!(1))
    );
    assert_eq!(sent[2][1].1["outcome"], "applied");

    let sent = decide(&pool, vec![update("globex", &far, "m2", 3, Status::Solved)]).await;
    let (key, updated) = &sent[0][0];
    assert_eq!(key, "acme.ticket.updated");
    assert_eq!((&updated["status"], &updated["revision"]), (&json!("solved"), &json!(2)));

    // Older than a change of its own that is stored, and newer than one that came before it in the
    // same batch.
    let batch = vec![
        update("globex", &far, "m0", 2, Status::Open),
        update("acme", &original(), "m3", 4, Status::Pending),
        update("acme", &original(), "m4", 5, Status::Solved),
    ];
    let sent = decide(&pool, batch).await;
    let receipt = &sent[0].last().unwrap().1;
    assert_eq!(
        (&receipt["outcome"], &receipt["decisions"][0]["value"]),
        (&json!("partial"), &json!({ "value": "solved" }))
    );
    assert_eq!(
        (sent[1][0].1["revision"].clone(), sent[2][0].1["revision"].clone()),
        (json!(3), json!(4))
    );

    let mut end = transfer("acme", &original(), "m5", 6, Status::Open);
    end.fields = FieldChanges::default();
    end.action = Action::Unshare { share_id: hop().share_id };
    let sent = decide(
        &pool,
        vec![Inbound::Transfer(Box::new(end)), update("acme", &original(), "m6", 7, Status::Open)],
    )
    .await;
    assert_eq!(sent[0][0].0, "globex.ticket.unshared");
    assert_eq!(sent[0][1].1["outcome"], "applied");
    assert_eq!(sent[1].len(), 1, "an ended share carries nothing");
    assert_eq!(sent[1][0].1["decisions"][0]["reason"], "not_shared");

    pool.close().await;
    world.remove().await;
}
