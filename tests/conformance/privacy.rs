//! What has to stay at home, looked for in everything that anybody is told.

use std::fs;
use std::path::Path;

use contracts::topology::desk_queue;
use contracts::{AgreementId, Reason, Receipt, ShareId};
use serde_json::{Value, json};
use system_tests::stage::Stage;
use testkit::Desk;

use crate::context::{ConformanceContext, applied, everything, refused, terms, with};
use crate::copies::{COPY, FAR_COPY, ORIGINAL, hears};

/// The receiver comments privately; all else crosses.
fn quiet() -> Value {
    terms("private_only", true, true)
}

/// The domain of an account's own people: their addresses, wherever they are written, end in it.
fn people(desk: &Desk) -> String {
    format!("people.{}.example", desk.account)
}

fn address(desk: &Desk, name: &str) -> String {
    format!("{name}@{}", people(desk))
}

/// How the telephone numbers of an account's people begin.
fn telephone(desk: &Desk) -> String {
    format!("+39 055/{}", desk.account)
}

/// Where an account's files are that must not be fetched by others.
fn secure_files(desk: &Desk) -> String {
    format!("https://files.{}.example/secure/", desk.account)
}

/// Where an account's calls are.
fn recordings(desk: &Desk) -> String {
    format!("https://calls.{}.example/", desk.account)
}

/// In every comment of an account.
fn text(desk: &Desk) -> String {
    format!("said at {}", desk.account)
}

/// In the public comments of an account that is a receiver under `private_only`.
fn answer(desk: &Desk) -> String {
    format!("answer to the customer, {}", text(desk))
}

/// Somebody of an account, with an address and a telephone wherever one can be given.
fn somebody(desk: &Desk, name: &str, role: &str) -> Value {
    let (address, phone) = (address(desk, name), format!("{} 1", telephone(desk)));
    json!({ "id": name, "name": format!("{name} <{address}>"), "role": role, "email": address,
        "phone": phone })
}

fn ccs(desk: &Desk, names: &[&str]) -> Value {
    let cc = |name: &&str| {
        json!({ "name": format!("{name}, in copy at {}", desk.account),
            "email": address(desk, name) })
    };
    names.iter().map(cc).collect()
}

/// A comment with everything that a comment can have.
fn comment(context: &ConformanceContext, desk: &Desk, words: &str, public: bool) -> Value {
    let file = json!({ "id": "f", "filename": "f.txt", "url": format!("{}f", secure_files(desk)) });
    let voicemail = json!({ "recording_url": format!("{}1.mp3", recordings(desk)),
        "transcript": format!("Spoken, {}", text(desk)) });
    let more = json!({
        "author": somebody(desk, "author", "agent"), "html_body": format!("<p>{words}</p>"),
        "attachments": [file], "call": voicemail,
    });
    with(context.comment(desk, words, public), &more)
}

/// Three desks in a row, two that only listen, and one that Deskmesh does not know.
struct Scene {
    context: ConformanceContext,
    acme: Desk,
    globex: Desk,
    initech: Desk,
    /// Reads all of `events`.
    auditor: Desk,
    /// Reads all that the others publish: what the search has to find somewhere.
    witness: Desk,
}

impl Scene {
    async fn open(context: ConformanceContext) -> Self {
        let [acme, globex, initech] = context.desks(["acme", "globex", "initech"]).await;
        let (auditor, witness) =
            (context.unregistered("auditor").await, context.unregistered("witness").await);
        let installation = context.with_stage(|stage| stage.installation.clone());
        let published = [&acme, &globex, &initech]
            .map(|desk| ("share", witness.account.clone(), format!("{}.#", desk.account)));
        let happened = ("events", auditor.account.clone(), "#".to_owned());
        let bind = move || {
            published.into_iter().chain([happened]).try_for_each(|(exchange, account, key)| {
                installation.broker().bind(
                    installation.vhost(),
                    exchange,
                    &desk_queue(&account),
                    &key,
                )
            })
        };
        tokio::task::spawn_blocking(bind)
            .await
            .expect("the task ends")
            .expect("an administrator may bind queues");
        Self { context, acme, globex, initech, auditor, witness }
    }

    fn parties(&self) -> [&Desk; 3] {
        [&self.acme, &self.globex, &self.initech]
    }

    async fn agree(&self, sender: &Desk, receiver: &Desk, terms: Value) -> AgreementId {
        let by = |desk: &Desk| somebody(desk, "chief", "admin");
        let invite = json!({ "receiver": { "address": receiver.account }, "terms": terms,
            "name": "Printers", "actor": by(sender) });
        let (receipt, agreement) = self.context.invite_with(sender, invite).await;
        applied(&receipt);
        let accept = json!({ "agreement_id": agreement, "actor": by(receiver) });
        applied(&receiver.ask("agreement.accept.v1", &accept).await);
        agreement
    }

    async fn share(
        &self,
        desk: &Desk,
        agreement: &AgreementId,
        number: &str,
        changes: &Value,
    ) -> ShareId {
        let ticket = json!({
            "id": number, "requester": somebody(desk, "requester", "end_user"),
            "ccs": ccs(desk, &["anna", "bruno"]),
            "comments": [comment(&self.context, desk, &text(desk), true)],
        });
        let command =
            json!({ "ticket": with(ticket, changes), "actor": somebody(desk, "agent", "agent") });
        let (receipt, share) = self.context.share_with(desk, agreement, command).await;
        applied(&receipt);
        share
    }

    async fn update(&self, desk: &Desk, number: &str, comments: &[&Value]) -> Receipt {
        let change = json!({
            "status": "pending", "comments": comments, "ccs": ccs(desk, &["anna", "carla"]),
            "actor": somebody(desk, "agent", "agent"),
            "tags": { "add": [{ "name": format!("seen-{number}"), "added_by": "user" }] },
        });
        self.context.update(desk, number, change).await
    }

    async fn set_up(&self) {
        for desk in self.parties() {
            let chief = address(desk, "chief");
            let admins = json!([{ "name": format!("chief <{chief}>"), "email": chief }]);
            let settings = json!({
                "actor": somebody(desk, "chief", "admin"), "admins": admins,
                "secure_downloads": true, "notify_ccs": true,
                "support_addresses": [format!("support@{}.example", desk.account)],
            });
            applied(&self.context.set(desk, settings).await);
        }
    }

    /// Everything once: shares along a chain and back, comments of all kinds, what is refused,
    /// lists, the end.
    async fn play(&self) {
        let Self { context, acme, globex, initech, .. } = self;
        let (first_terms, onward) =
            (self.agree(acme, globex, quiet()).await, self.agree(globex, initech, quiet()).await);
        let back = self.agree(globex, acme, everything()).await;
        let first = self.share(acme, &first_terms, ORIGINAL, &json!({})).await;
        let requester = context.created(globex, &first).await.requester;
        let known_here =
            with(somebody(globex, "requester", "end_user"), &json!({ "id": requester.id }));
        let second = self
            .share(globex, &onward, COPY, &json!({ "copy_of": first, "requester": known_here }))
            .await;
        context.created(initech, &second).await;
        applied(&context.bind(initech, &second, FAR_COPY).await);
        for (desk, number) in [(acme, ORIGINAL), (globex, COPY), (initech, FAR_COPY)] {
            let words = if number == ORIGINAL { text(desk) } else { answer(desk) };
            let (public, private) =
                (comment(context, desk, &words, true), comment(context, desk, &text(desk), false));
            applied(&self.update(desk, number, &[&public, &private]).await);
        }
        let other = self.share(globex, &back, "7", &json!({})).await;
        applied(&context.bind(acme, &other, "7-copy").await);
        applied(&self.update(globex, "7", &[]).await);
        let told = comment(context, acme, &text(acme), true);
        applied(&self.update(acme, "7-copy", &[&told]).await);
        hears(globex, &told).await;
        self.ask_for_everything(&[
            (acme, &first),
            (globex, &first),
            (globex, &second),
            (initech, &second),
            (acme, &other),
        ])
        .await;
        self.refusals(&first).await;
        let redact = json!({ "share_id": other, "comment_id": told["id"],
            "actor": somebody(acme, "agent", "agent") });
        applied(&acme.ask("ticket.redact.v1", &redact).await);
        let unshare = json!({ "share_id": second, "actor": somebody(globex, "agent", "agent") });
        applied(&globex.ask("ticket.unshare.v1", &unshare).await);
        for (listener, teller, share) in [(acme, globex, &first), (globex, acme, &first)] {
            context.heard(listener, teller, share).await;
        }
        let ended =
            json!({ "agreement_id": first_terms, "actor": somebody(globex, "chief", "admin") });
        applied(&globex.ask("agreement.deactivate.v1", &ended).await);
        context.mail(&address(acme, "chief"), &["ended the sharing agreement"]).await;
        let rename = json!({ "address": format!("{}-anew", globex.account),
            "actor": somebody(globex, "chief", "admin") });
        applied(&globex.ask("account.rename.v1", &rename).await);
        context.mail(&address(initech, "chief"), &["has the new address"]).await;
    }

    async fn ask_for_everything(&self, copies: &[(&Desk, &ShareId)]) {
        for (desk, share) in copies {
            applied(&desk.ask("ticket.resync.v1", &json!({ "share_id": share })).await);
        }
        for desk in self.parties() {
            self.context.agreements(desk).await;
            self.context.shares(desk).await;
        }
    }

    /// Whatever is wrong with a command, its people stay out of the answer and the logs.
    async fn refusals(&self, share: &ShareId) {
        let Self { context, acme, globex, .. } = self;
        let unknown = context.unregistered("hooli").await;
        let (stranger, malformed) = (
            somebody(acme, "stranger", "agent"),
            json!({ "id": 5, "name": address(acme, "malformed") }),
        );
        let parked =
            json!({ "ticket_id": "1", "actor": stranger, "occurred_at": "2026-03-01T10:00:00Z" })
                .to_string();
        let key = format!("{}.ticket.update", unknown.account);
        unknown
            .publish(&key, "ticket.update.v1", "parked", parked.as_bytes(), |it| it)
            .await
            .expect("the broker takes it");
        let by =
            |actor: &Value| json!({ "share_id": share, "ticket_id": "nowhere", "actor": actor });
        refused(&acme.ask("ticket.unshare.v1", &by(&malformed)).await, Reason::Malformed);
        refused(&acme.ask("ticket.dance.v1", &by(&stranger)).await, Reason::UnknownType);
        let agents =
            json!({ "actor": somebody(globex, "agent", "agent"), "version": 1, "locale": "de" });
        refused(&globex.ask("account.update.v1", &agents).await, Reason::NotAnAdmin);
        // By the time this one has waited in vain, so has the one of the unknown account.
        let nowhere = comment(context, acme, &text(acme), true);
        refused(&self.update(acme, "nowhere", &[&nowhere]).await, Reason::NotShared);
    }
}

/// What must not be told, and to whom it may be.
struct Secret {
    what: &'static str,
    text: String,
    known_to: Vec<contracts::AccountName>,
}

impl Scene {
    fn secrets(&self) -> Vec<Secret> {
        let mut secrets = Vec::new();
        for desk in self.parties() {
            let own = vec![desk.account.clone()];
            let in_copy = format!("in copy at {}", desk.account);
            for (what, text) in [
                ("an address", people(desk)),
                ("a telephone", telephone(desk)),
                ("a CC", in_copy),
                ("a secure file", secure_files(desk)),
                ("a recording", recordings(desk)),
            ] {
                secrets.push(Secret { what, text, known_to: own.clone() });
            }
        }
        // Under private_only an answer goes outwards from its account, never towards the sender.
        for (desk, beyond) in [
            (&self.globex, vec![&self.globex, &self.initech]),
            (&self.initech, vec![&self.initech]),
        ] {
            let known_to = beyond.into_iter().map(|desk| desk.account.clone()).collect();
            secrets.push(Secret { what: "a public comment", text: answer(desk), known_to });
        }
        secrets
    }

    /// Texts that no auditor and no log may have.
    fn beyond_desks(&self) -> Vec<Secret> {
        let texts = self.parties().map(|desk| Secret {
            what: "a comment",
            text: text(desk),
            known_to: Vec::new(),
        });
        self.secrets().into_iter().chain(texts).collect()
    }
}

pub async fn also_what_has_to_stay_is_told_to_nobody(context: ConformanceContext) {
    let scene = Scene::open(context).await;
    scene.set_up().await;
    scene.play().await;
    let published = scene.witness.bodies();
    for Secret { what, text, .. } in scene.beyond_desks() {
        assert!(
            published.iter().any(|body| body.contains(&text)),
            "{what} was never given: {text}"
        );
    }
    for desk in scene.parties() {
        for Secret { what, text, .. } in
            scene.secrets().iter().filter(|it| !it.known_to.contains(&desk.account))
        {
            let told = desk.bodies().into_iter().find(|body| body.contains(text));
            assert_eq!(told, None, "{} was told {what}: {text}", desk.account);
        }
    }
    let logs = logs(&scene.context.with_stage(Stage::logs));
    assert!(
        ["share-dispatcher", "field-sync"]
            .iter()
            .all(|it| logs.iter().any(|(file, _)| file.contains(it))),
        "no logs"
    );
    let events = scene.auditor.bodies().into_iter().map(|body| ("events".to_owned(), body));
    let elsewhere: Vec<(String, String)> = events.chain(logs).collect();
    for Secret { what, text, .. } in scene.beyond_desks() {
        let found = elsewhere.iter().find(|(_, line)| line.contains(&text));
        assert_eq!(found, None, "{what}: {text}");
    }
    mails(&scene);
    what_may_be_told_is_told(&scene).await;
}

/// Every line of every log, with its file.
fn logs(folder: &Path) -> Vec<(String, String)> {
    let files = fs::read_dir(folder)
        .expect("the services have logs")
        .map(|entry| entry.expect("a file").path());
    let lines = |file: std::path::PathBuf| {
        let bytes = fs::read(&file).expect("a log can be read");
        let lines: Vec<String> =
            String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
        lines.into_iter().map(move |line| (file.display().to_string(), line))
    };
    files.flat_map(lines).collect()
}

/// A mail has the address of its recipient alone, and nothing that the recipient's account must not
/// know.
fn mails(scene: &Scene) {
    for mail in scene.context.with_stage(|stage| stage.mail.mails()) {
        let text = mail
            .recipients
            .iter()
            .fold(mail.raw.replace("=\r\n", ""), |text, recipient| text.replace(recipient, ""));
        let to = |desk: &Desk| {
            mail.recipients.iter().any(|recipient| recipient.ends_with(&people(desk)))
        };
        let accounts: Vec<_> = scene
            .parties()
            .into_iter()
            .filter(|desk| to(desk))
            .map(|desk| desk.account.clone())
            .collect();
        for secret in scene.secrets() {
            let own = secret.what == "a CC" || secret.what == "a public comment";
            let may = own
                && !accounts.is_empty()
                && accounts.iter().all(|account| secret.known_to.contains(account));
            assert!(
                may || !text.contains(&secret.text),
                "{} in a mail to {:?}: {}",
                secret.what,
                mail.recipients,
                mail.raw
            );
        }
    }
}

/// The same search finds what is allowed: it would find the rest.
async fn what_may_be_told_is_told(scene: &Scene) {
    let Scene { context, acme, globex, initech, .. } = scene;
    let told = |desk: &Desk, words: &str| desk.bodies().iter().any(|body| body.contains(words));
    assert!(
        told(globex, &text(acme)) && told(globex, &format!("Spoken, {}", text(acme))),
        "comments and transcripts"
    );
    assert!(told(initech, &answer(globex)), "a sender's public comment");
    assert!(told(globex, "requester requester"), "a name, without its address");
    for name in ["anna", "carla"] {
        let mail = context.mail(&address(globex, name), &["new comment", &text(acme)]).await;
        assert!(mail.raw.contains(&format!("in copy at {}", globex.account)), "{}", mail.raw);
    }
}
