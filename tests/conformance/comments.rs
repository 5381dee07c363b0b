//! Comments: which cross, as what, and once; calls and their recordings; attachments.

use contracts::{ItemOutcome, Reason, ReceiptOutcome};
use serde_json::{Value, json};
use testkit::Desk;

use crate::context::{ConformanceContext, Partners, applied, everything, item, private_only, with};
use crate::copies::{self, COPY, Chain, FAR_COPY, ORIGINAL, has_status, hears, held, tellings};

const RECORDING: &str = "https://calls.acme.example/recording-4711.mp3";

/// What a receipt calls a comment.
pub fn item_of(comment: &Value) -> String {
    format!("comment:{}", comment["id"].as_str().expect("a comment has an id"))
}

fn file(id: &str) -> Value {
    json!({ "id": id, "filename": format!("{id}.txt"),
        "url": format!("https://files.acme.example/{id}"), "size": 12 })
}

async fn say(
    context: &ConformanceContext,
    desk: &Desk,
    number: &str,
    comments: &[&Value],
) -> contracts::Receipt {
    context.update(desk, number, json!({ "comments": comments })).await
}

/// No delivery of a desk has a text in it.
#[track_caller]
fn never_told(desk: &Desk, text: &str) {
    for body in desk.bodies() {
        assert!(!body.contains(text), "{} was told of {text}: {body}", desk.account);
    }
}

pub async fn r_21_comments_of_both_copies_are_kept_in_step(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let written = |desk: &Desk, body: &str, at: &str| {
        let more = json!({ "authored_at": at, "html_body": format!("<p>{body}</p>"),
            "author": { "id": "9", "name": "Author", "role": "agent" } });
        with(context.comment(desk, body, true), &more)
    };
    let history = [
        written(&acme, "Second", "2026-02-02T09:00:00.5+01:00"),
        written(&acme, "First", "2026-02-01T09:00:00Z"),
    ];
    let (receipt, share) =
        context.share(&acme, &agreement, json!({ "id": ORIGINAL, "comments": history })).await;
    item(&receipt, &item_of(&history[0]), ItemOutcome::Transferred, None);
    let created = context.created(&globex, &share).await;
    let told: Vec<_> = created
        .comments
        .iter()
        .map(|it| (it.body.as_str(), it.html_body.as_deref(), it.author.name.as_str()))
        .collect();
    let expected =
        [("First", Some("<p>First</p>"), "Author"), ("Second", Some("<p>Second</p>"), "Author")];
    assert_eq!(told, expected, "in the order in which they were written");
    assert_eq!(json!(created.comments[1].authored_at), "2026-02-02T08:00:00.500Z");
    applied(&context.bind(&globex, &share, COPY).await);
    for number in 0..6 {
        let (desk, ticket) = if number % 2 == 0 { (&acme, ORIGINAL) } else { (&globex, COPY) };
        applied(
            &say(&context, desk, ticket, &[&context.comment(desk, "Any news?", number % 3 == 0)])
                .await,
        );
    }
    copies::agree((&acme, &share), (&globex, &share)).await;
    let comments =
        acme.with_model(|model| model.shared(share.as_str()).map(|ticket| ticket.comments.len()));
    assert_eq!(comments, Some(8));
}

pub async fn r_24_every_comment_is_seen_on_both_sides_private_ones_too(
    context: ConformanceContext,
) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    context.shared(&acme, &globex, &agreement, ORIGINAL).await;
    for (desk, number, other) in [(&acme, ORIGINAL, &globex), (&globex, COPY, &acme)] {
        for public in [true, false] {
            let comment = context.comment(desk, "Look at this.", public);
            item(
                &say(&context, desk, number, &[&comment]).await,
                &item_of(&comment),
                ItemOutcome::Transferred,
                None,
            );
            let heard = hears(other, &comment).await;
            assert_eq!((heard.body.as_str(), heard.public), ("Look at this.", public));
        }
    }
}

pub async fn r_53_public_and_private_comments_and_status_cross_both_ways(
    context: ConformanceContext,
) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let share = context.shared(&acme, &globex, &agreement, ORIGINAL).await;
    let (public, private) = (
        context.comment(&globex, "It is fixed.", true),
        context.comment(&globex, "It was the cable.", false),
    );
    let change = json!({ "status": "solved", "comments": [public, private] });
    let receipt = context.update(&globex, COPY, change).await;
    for said in [item_of(&public), item_of(&private), "status".to_owned()] {
        item(&receipt, &said, ItemOutcome::Transferred, None);
    }
    assert_eq!(
        (hears(&acme, &public).await.public, hears(&acme, &private).await.public),
        (true, false)
    );
    has_status(&acme, &share, "solved").await;
    applied(&context.update(&acme, ORIGINAL, json!({ "status": "open" })).await);
    has_status(&globex, &share, "open").await;
}

pub async fn r_54_under_private_only_the_receiver_only_supplies_information(
    context: ConformanceContext,
) {
    let Partners { acme, globex, agreement } = context.partners(private_only()).await;
    let history = [
        context.comment(&acme, "It does not print.", true),
        context.comment(&acme, "Third time this week.", false),
    ];
    let (receipt, share) =
        context.share(&acme, &agreement, json!({ "id": ORIGINAL, "comments": history })).await;
    item(&receipt, "status", ItemOutcome::Withheld, Reason::StatusNotSynced);
    let created = context.created(&globex, &share).await;
    let visible: Vec<bool> = created.comments.iter().map(|comment| comment.public).collect();
    assert_eq!(
        (json!(created.status), visible),
        (json!("new"), vec![true, false]),
        "the sender's comments cross as they are"
    );
    applied(&context.bind(&globex, &share, COPY).await);
    let (public, private) = (
        context.comment(&globex, "Dear customer,", true),
        context.comment(&globex, "It is the fuser.", false),
    );
    let receipt = say(&context, &globex, COPY, &[&public, &private]).await;
    item(&receipt, &item_of(&public), ItemOutcome::Withheld, Reason::PublicCommentsNotAllowed);
    item(&receipt, &item_of(&private), ItemOutcome::Transferred, None);
    assert!(!hears(&acme, &private).await.public);
    for (desk, number, status) in [(&globex, COPY, "solved"), (&acme, ORIGINAL, "pending")] {
        let receipt = context.update(desk, number, json!({ "status": status })).await;
        item(&receipt, "status", ItemOutcome::Withheld, Reason::StatusNotSynced);
    }
    context.heard(&acme, &globex, &share).await;
    context.heard(&globex, &acme, &share).await;
    assert!(tellings(&acme, &public).is_empty());
    for (desk, status) in [(&acme, "pending"), (&globex, "solved")] {
        assert_eq!(
            held(desk, &share, "status"),
            Some(json!({ "value": status })),
            "{}",
            desk.account
        );
    }
}

pub async fn r_31_a_recording_stays_in_the_account_of_the_call(context: ConformanceContext) {
    let Chain { acme, globex, initech, .. } = Chain::under(&context, everything()).await;
    let call = json!({ "recording_url": RECORDING, "duration_s": 30 });
    let voicemail =
        with(context.comment(&acme, "Voicemail from the customer", true), &json!({ "call": call }));
    let receipt = say(&context, &acme, ORIGINAL, &[&voicemail]).await;
    let id = voicemail["id"].as_str().expect("an id");
    item(&receipt, &format!("recording:{id}"), ItemOutcome::Withheld, Reason::RecordingStays);
    item(&receipt, &item_of(&voicemail), ItemOutcome::Transferred, None);
    for desk in [&globex, &initech] {
        assert_eq!(hears(desk, &voicemail).await.body, "Voicemail from the customer");
        never_told(desk, RECORDING);
    }
}

pub async fn r_32_the_receiver_cannot_play_the_recording_from_its_copy(
    context: ConformanceContext,
) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    // Some desks list the recording among the files as well.
    let recording = with(file("recording"), &json!({ "url": RECORDING }));
    let call = json!({ "attachments": [recording, file("photo")],
        "call": { "recording_url": RECORDING } });
    let voicemail = with(context.comment(&acme, "Voicemail", false), &call);
    let (receipt, share) =
        context.share(&acme, &agreement, json!({ "id": ORIGINAL, "comments": [voicemail] })).await;
    item(&receipt, "attachment:recording", ItemOutcome::Withheld, Reason::RecordingStays);
    let created = context.created(&globex, &share).await;
    let files: Vec<&str> =
        created.comments[0].attachments.iter().map(|file| file.id.as_str()).collect();
    assert_eq!(files, ["photo"]);
    applied(&globex.ask("ticket.resync.v1", &json!({ "share_id": share })).await);
    context.heard(&globex, &acme, &share).await;
    never_told(&globex, RECORDING);
}

pub async fn r_33_who_belongs_to_both_accounts_is_led_to_the_original(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let share = context.shared(&acme, &globex, &agreement, ORIGINAL).await;
    let call =
        json!({ "call": { "recording_url": RECORDING, "transcript": "Please call me back." } });
    let voicemail = with(context.comment(&acme, "Voicemail", true), &call);
    applied(&say(&context, &acme, ORIGINAL, &[&voicemail]).await);
    // The same agent, signed in at globex: neither what it writes there nor what it asks for brings
    // the recording.
    let both = json!({ "id": "7", "name": "Agent", "role": "agent" });
    let reply = with(
        context.comment(&globex, "I listened to it at home.", false),
        &json!({ "author": both }),
    );
    applied(&say(&context, &globex, COPY, &[&reply]).await);
    applied(&globex.ask("ticket.resync.v1", &json!({ "share_id": share })).await);
    let shares = context.shares(&globex).await;
    assert_eq!(
        shares[0].partner_ticket_id.as_ref().map(contracts::TicketId::as_str),
        Some(ORIGINAL),
        "where it can be played"
    );
    never_told(&globex, RECORDING);
    hears(&acme, &reply).await;
    assert!(
        tellings(&acme, &voicemail).is_empty(),
        "nothing takes the recording from the original"
    );
}

pub async fn r_34_a_transcript_crosses_as_lines_of_text(context: ConformanceContext) {
    let Chain { acme, globex, initech, .. } = Chain::under(&context, everything()).await;
    let transcript = "Hello, this is the customer.\nThe <red> light & the green one are on.\n\n\
        Please call back.";
    let call = json!({ "recording_url": RECORDING, "transcript": transcript, "duration_s": 12 });
    let voicemail = context.comment(&acme, "Voicemail", true);
    let voicemail = with(voicemail, &json!({ "html_body": "<b>Voicemail</b>", "call": call }));
    applied(&say(&context, &acme, ORIGINAL, &[&voicemail]).await);
    for desk in [&globex, &initech] {
        let heard = hears(desk, &voicemail).await;
        assert_eq!(heard.body, format!("Voicemail\n\n{transcript}"));
        let html = heard.html_body.expect("the HTML crosses too");
        assert!(
            html.starts_with("<b>Voicemail</b>")
                && html.contains("The &lt;red&gt; light &amp; the green one"),
            "{html}"
        );
        never_told(desk, RECORDING);
    }
}

pub async fn r_35_with_secure_downloads_on_attachments_stay(context: ConformanceContext) {
    let Chain { acme, globex, initech, .. } = Chain::under(&context, everything()).await;
    applied(&context.set(&acme, json!({ "secure_downloads": true })).await);
    // Sent after the receipt of the setting, a comment meets it.
    let comment = with(
        context.comment(&acme, "See the log.", true),
        &json!({ "attachments": [file("log"), file("photo")] }),
    );
    let receipt = say(&context, &acme, ORIGINAL, &[&comment]).await;
    assert_eq!(receipt.outcome, ReceiptOutcome::Partial);
    for attachment in ["attachment:log", "attachment:photo"] {
        item(&receipt, attachment, ItemOutcome::Withheld, Reason::SecureDownloads);
    }
    item(&receipt, &item_of(&comment), ItemOutcome::Transferred, None);
    for desk in [&globex, &initech] {
        let heard = hears(desk, &comment).await;
        assert_eq!((heard.body.as_str(), heard.attachments.len()), ("See the log.", 0));
        never_told(desk, "https://files.acme.example/");
    }
    // The setting is the publisher's own: globex's files cross, and those of acme's that were kept
    // do not follow later.
    let own =
        json!({ "id": "own", "filename": "own.txt", "url": "https://files.globex.example/own" });
    let reply = with(context.comment(&globex, "Mine.", true), &json!({ "attachments": [own] }));
    applied(&say(&context, &globex, COPY, &[&reply]).await);
    assert_eq!(hears(&acme, &reply).await.attachments.len(), 1);
    applied(&context.set(&acme, json!({ "secure_downloads": false })).await);
    let later = with(
        context.comment(&acme, "Now you may.", true),
        &json!({ "attachments": [file("later")] }),
    );
    applied(&say(&context, &acme, ORIGINAL, &[&later]).await);
    assert_eq!(hears(&initech, &later).await.attachments[0].id, "later");
    never_told(&initech, "https://files.acme.example/log");
}

pub async fn r_36_with_secure_downloads_off_attachments_cross(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    let comment = with(
        context.comment(&acme, "See the log.", false),
        &json!({ "attachments": [file("log")] }),
    );
    let (receipt, share) =
        context.share(&acme, &agreement, json!({ "id": ORIGINAL, "comments": [comment] })).await;
    assert_eq!(receipt.outcome, ReceiptOutcome::Applied, "{receipt:?}");
    let created = context.created(&globex, &share).await;
    assert_eq!(
        json!(created.comments[0].attachments),
        json!([file("log")]),
        "as it was sent, so that it can be fetched"
    );
}

pub async fn also_a_comment_counts_once_by_its_id(context: ConformanceContext) {
    let Chain { acme, globex, initech, first, .. } = Chain::under(&context, everything()).await;
    let comment = context.comment(&acme, "The first counts.", true);
    let again = with(comment.clone(), &json!({ "body": "The second does not.", "public": false }));
    let receipt = say(&context, &acme, ORIGINAL, &[&comment, &again]).await;
    item(&receipt, &item_of(&comment), ItemOutcome::Transferred, None);
    item(&receipt, &item_of(&comment), ItemOutcome::Withheld, Reason::CommentDiffers);
    hears(&initech, &comment).await;
    let receipt = say(&context, &acme, ORIGINAL, &[&again]).await;
    item(&receipt, &item_of(&comment), ItemOutcome::Withheld, Reason::CommentDiffers);
    for (desk, number, said) in
        [(&acme, ORIGINAL, &comment), (&globex, COPY, &again), (&initech, FAR_COPY, &again)]
    {
        let receipt = say(&context, desk, number, &[said]).await;
        assert_eq!(
            (receipt.outcome, receipt.reason),
            (ReceiptOutcome::Ignored, Some(Reason::Unchanged)),
            "{receipt:?}"
        );
    }
    context.heard(&globex, &acme, &first).await;
    context.heard(&acme, &globex, &first).await;
    let times = [&acme, &globex, &initech].map(|desk| tellings(desk, &comment).len());
    assert_eq!(
        (times, hears(&globex, &comment).await.body.as_str()),
        ([0, 1, 1], "The first counts.")
    );
}

pub async fn also_one_comment_id_on_two_tickets_is_said(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(everything()).await;
    for number in ["1", "2"] {
        context.shared(&acme, &globex, &agreement, number).await;
    }
    let first = context.comment(&acme, "Of the first ticket.", true);
    let second = with(first.clone(), &json!({ "body": "Of the second." }));
    let receipt = say(&context, &acme, "1", &[&first]).await;
    item(&receipt, &item_of(&first), ItemOutcome::Transferred, None);
    let receipt = say(&context, &acme, "2", &[&second]).await;
    item(&receipt, &item_of(&first), ItemOutcome::Transferred, Reason::CommentDiffers);
}

pub async fn also_a_comments_id_belongs_to_whoever_used_it(context: ConformanceContext) {
    let Partners { acme, globex, agreement } = context.partners(private_only()).await;
    context.shared(&acme, &globex, &agreement, ORIGINAL).await;
    let foreign =
        json!({ "id": format!("{}/new", acme.account), "body": "Not mine.", "public": false });
    let receipt = say(&context, &globex, COPY, &[&foreign]).await;
    item(&receipt, &item_of(&foreign), ItemOutcome::Withheld, Reason::IdTaken);
    // Public, so it stays at globex; acme's copy does not have it and cannot take its id.
    let kept = json!({ "id": context.id(), "body": "Dear customer,", "public": true });
    item(
        &say(&context, &globex, COPY, &[&kept]).await,
        &item_of(&kept),
        ItemOutcome::Withheld,
        Reason::PublicCommentsNotAllowed,
    );
    let (taken, mine) = (
        with(kept.clone(), &json!({ "body": "Mine!" })),
        context.comment(&acme, "This one is mine.", true),
    );
    let receipt = say(&context, &acme, ORIGINAL, &[&taken, &mine]).await;
    item(&receipt, &item_of(&taken), ItemOutcome::Withheld, Reason::IdTaken);
    item(&receipt, &item_of(&mine), ItemOutcome::Transferred, None);
    hears(&globex, &mine).await;
    assert!(tellings(&globex, &taken).is_empty() && tellings(&acme, &foreign).is_empty());
}
