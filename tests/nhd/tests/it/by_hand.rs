//! For a person with a real implementation: the services, the bridge and a desk that accepts every
//! invite, numbers every ticket, tells all that it is told, and does what is typed. README.md.

use contracts::delivery::{AgreementState, DeliveryBody, Side};
use contracts::{AgreementId, ShareId};
use serde_json::{Value, json};
use testkit::Desk;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::system::{System, admin, agent, comment, decide, invite, said, seen, share, update};

const HELP: &str = "invite URL · share AGREEMENT SUBJECT · public NUMBER TEXT · private NUMBER \
                    TEXT · status NUMBER WORD · unshare NUMBER · deactivate AGREEMENT · \
                    holds NUMBER · quit";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "for a person: README.md"]
async fn by_hand() {
    let system = System::open("nhd_by_hand").await;
    let desk = system.desk("acme").await;
    println!("sharing URL: {}\n{HELP}", system.sharing_url(&desk));
    println!("its certificate is signed by {}", system.authority_of_bridge().display());
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut look = tokio::time::interval(std::time::Duration::from_millis(200));
    let mut shown = 0;
    loop {
        tokio::select! {
            _ = look.tick() => shown = hear(&desk, shown).await,
            line = lines.next_line() => match line.expect("a terminal") {
                None => break,
                Some(line) if line.trim() == "quit" => break,
                Some(line) => println!("{}", act(&desk, line.trim()).await),
            },
        }
    }
    system.close().await;
}

/// Tells what was told since, and does what a desk does by itself; how much there is now.
async fn hear(desk: &Desk, shown: usize) -> usize {
    let deliveries = desk.deliveries();
    for (at, delivered) in deliveries.iter().enumerate().skip(shown) {
        println!("told {}: {}", delivered.told.name(), json!(delivered.told));
        match &delivered.told {
            DeliveryBody::AgreementInvited(state) if state.side == Side::Receiver => {
                accept(desk, state).await;
            }
            DeliveryBody::TicketCreated(created) => {
                number(desk, &created.share_id, &format!("{}", 100 + at)).await;
            }
            _ => {}
        }
    }
    deliveries.len()
}

async fn accept(desk: &Desk, state: &AgreementState) {
    let receipt = decide(desk, "accept", &state.agreement_id).await;
    println!("accepted {}: {:?}", state.agreement_id, receipt.outcome);
}

async fn number(desk: &Desk, share: &ShareId, number: &str) {
    desk.ask("ticket.bind.v1", &json!({ "share_id": share, "ticket_id": number })).await;
    desk.with_model(|model| model.number(share.as_str(), number));
    println!("it is ticket {number} here");
}

async fn act(desk: &Desk, line: &str) -> String {
    let mut words = line.splitn(3, ' ');
    let mut word = || words.next().unwrap_or_default();
    let (what, first, rest) = (word(), word(), word());
    match what {
        "invite" => format!("agreement {}", invite(desk, first).await),
        "share" => {
            let number = desk.next_id();
            let ticket = json!({ "id": number, "subject": rest, "status": "open",
                "requester": { "id": "r", "name": "Max", "role": "end_user" },
                "comments": [comment(desk, rest, true)] });
            let agreement = AgreementId::new(first).expect("an agreement's id");
            let share = share(desk, &agreement, ticket).await;
            format!("ticket {number} as share {share}")
        }
        "public" | "private" => {
            let said = json!({ "comments": [comment(desk, rest, what == "public")] });
            receipt(&json!(update(desk, first, said).await))
        }
        "status" => receipt(&json!(update(desk, first, json!({ "status": rest })).await)),
        "unshare" => {
            let said = json!({ "ticket_id": first, "actor": agent() });
            receipt(&json!(desk.ask("ticket.unshare.v1", &said).await))
        }
        "deactivate" => {
            let said = json!({ "agreement_id": first, "actor": admin() });
            receipt(&json!(desk.ask("agreement.deactivate.v1", &said).await))
        }
        "holds" => format!("{:#} {:?}", seen(desk, first), said(desk, first)),
        _ => HELP.to_owned(),
    }
}

fn receipt(receipt: &Value) -> String {
    format!("{} {} {}", receipt["outcome"], receipt["reason"], receipt["decisions"])
}
