//! Scene: agreements are offered and accepted.

use contracts::ReceiptOutcome::Applied;
use contracts::address::Invitee;
use contracts::command::{AgreementAccept, AgreementInvite};
use contracts::delivery::{AgreementState, AgreementStatus, DeliveryBody};
use contracts::terms::CommentTerms;
use contracts::{AgreementId, Terms};
use local::Mail;
use testkit::desk::PATIENCE;
use testkit::until;

use super::accounts::address;
use super::{Side, Story, sample};
use crate::party::{Answer, DeskDriver};

pub(super) async fn play(story: &Story) {
    story.out.headline("They agree: one way each, on terms that the sender sets");
    agree(story, Side::Acme, Side::Globex, &story.first).await;
    agree(story, Side::Globex, Side::Initech, &story.second).await;
}

async fn agree(story: &Story, sender: Side, receiver: Side, agreement: &AgreementId) {
    let (sender, receiver) = (story.party(sender), story.party(receiver));
    let text = format!(
        "invites {}: comments public and private, status, tags, custom fields",
        receiver.account
    );
    let invited = story.ask(sender, &invite(sender, receiver, agreement), Applied, &text).await;
    let (seen, arrival) = story
        .arrives(sender, &invited, receiver, "the invite", |told| {
            state(told, agreement, AgreementStatus::Pending)
        })
        .await;
    arrival.tell(&format!("the invite “{}” shows, with its terms", seen.name.unwrap_or_default()));
    mail(story, sender, &invited, receiver.account.as_str(), "invites you").await;

    let accept = AgreementAccept {
        agreement_id: agreement.clone(),
        actor: sample::admin(receiver.account.as_str()),
    };
    let accepted = story.ask(receiver, &accept, Applied, "accepts").await;
    let (seen, arrival) = story
        .arrives(receiver, &accepted, sender, "the acceptance", |told| {
            state(told, agreement, AgreementStatus::Accepted)
        })
        .await;
    arrival.tell(&format!("the agreement is in force, by {}", seen.by.name));
}

/// An invite on the terms that let everything cross.
pub(super) fn invite(
    sender: &DeskDriver,
    receiver: &DeskDriver,
    agreement: &AgreementId,
) -> AgreementInvite {
    AgreementInvite {
        agreement_id: agreement.clone(),
        receiver: Invitee::Address { address: receiver.account.to_string() },
        name: Some(format!("Repairs for {}", sender.account)),
        terms: Terms { comments: CommentTerms::PublicAndPrivate, tags: true, custom_fields: true },
        actor: sample::admin(sender.account.as_str()),
    }
}

/// The mails that came for an account's administrator, with these words in the subject.
pub(super) fn mails_to(story: &Story, account: &str, words: &str) -> Vec<Mail> {
    let recipient = address(account);
    let mut mails = story.stage.mail.mails();
    mails.retain(|mail| mail.recipients.contains(&recipient) && subject(&mail.raw).contains(words));
    mails
}

/// Waits for the mail that tells an account's administrator of what a partner did.
pub(super) async fn mail(
    story: &Story,
    from: &DeskDriver,
    command: &Answer,
    to: &str,
    words: &str,
) {
    let recipient = address(to);
    let mail = until(&format!("a mail to {recipient} that says `{words}`"), PATIENCE, async || {
        let all =
            || story.stage.mail.mails().iter().map(|mail| subject(&mail.raw)).collect::<Vec<_>>();
        mails_to(story, to, words).into_iter().next().ok_or_else(|| format!("{:?}", all()))
    })
    .await;
    let took = from.sent_at(&command.id).map(|sent| sent.elapsed());
    story.out.event(
        "notifier",
        to,
        took,
        command.trace.as_deref(),
        &format!("mail to {recipient}: {}", subject(&mail.raw)),
    );
}

pub(super) fn state(
    told: &DeliveryBody,
    agreement: &AgreementId,
    status: AgreementStatus,
) -> Option<AgreementState> {
    match told {
        DeliveryBody::AgreementInvited(state)
        | DeliveryBody::AgreementAccepted(state)
        | DeliveryBody::AgreementDeclined(state)
        | DeliveryBody::AgreementDeactivated(state)
            if state.agreement_id == *agreement && state.status == status =>
        {
            Some((**state).clone())
        }
        _ => None,
    }
}

fn subject(mail: &str) -> String {
    let line = mail.lines().find_map(|line| line.strip_prefix("Subject: "));
    line.unwrap_or_default().trim().to_owned()
}
