//! A partner in a terminal: it tells what it is told, and does what is typed.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use nhd_partner::dialect::agreement::AgreementChange;
use nhd_partner::held::{PartnerTerms, Standing, TicketChange};
use nhd_partner::{Dialect, NewTicket, Partner, PartnerCall, PartnerDesk};
use tokio::io::{AsyncBufReadExt, BufReader};

const HELP: &str = "invite URL · accept ID · decline ID · deactivate ID · share AGREEMENT SUBJECT \
                    · public TICKET TEXT · private TICKET TEXT · status TICKET WORD · unshare \
                    TICKET · holds";

#[tokio::main]
async fn main() -> Result<()> {
    let word = std::env::args().nth(1).unwrap_or_default();
    let dialect = match word.as_str() {
        "zendesk" => Dialect::Zendesk,
        "javascript" => Dialect::JavaScript,
        "request-tracker" => Dialect::RequestTracker,
        _ => bail!("whose dialect? nhd-partner zendesk, javascript or request-tracker"),
    };
    let partner = Partner::plain(&word, dialect.habits()).await?;
    println!("{word} at {}\n{HELP}", partner.url);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut shown = 0;
    let mut look = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            _ = look.tick() => shown = show(&partner, shown),
            line = lines.next_line() => match line? {
                None => return Ok(()),
                Some(line) => match act(&partner, line.trim()).await {
                    Ok(said) => println!("{said}"),
                    Err(failed) => println!("{failed:#}"),
                },
            },
        }
    }
}

/// Tells what came since; how much there is now.
fn show(partner: &Partner, shown: usize) -> usize {
    partner.desk(|desk| {
        for told in desk.books.told.iter().skip(shown) {
            let status = told.status.map_or("no answer".to_owned(), |status| status.to_string());
            println!("← {} {} {} → {status}", told.method, told.path, told.body);
        }
        desk.books.told.len()
    })
}

async fn act(partner: &Partner, line: &str) -> Result<String> {
    let mut words = line.splitn(3, ' ');
    let (what, first, rest) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    if what == "holds" {
        return Ok(partner.desk(|desk| format!("{:#?}\n{:#?}", desk.agreements, desk.tickets)));
    }
    let call = partner.desk(|desk| called(desk, what, first, rest))?;
    let name = call.url.clone();
    let (verdict, answers) = partner.call(call).await;
    let bodies: Vec<String> =
        answers.iter().map(|answer| format!("{} {}", answer.status, answer.body)).collect();
    Ok(format!("→ {name}: {verdict:?} ({})", bodies.join("; ")))
}

/// The call that follows from what was typed.
fn called(desk: &mut PartnerDesk, what: &str, first: &str, rest: &str) -> Result<PartnerCall> {
    let known = |found: bool| found.then_some(()).with_context(|| format!("there is no {first}"));
    let standing = match what {
        "accept" => Some(Standing::Accepted),
        "decline" => Some(Standing::Declined),
        "deactivate" => Some(Standing::Inactive),
        _ => None,
    };
    if let Some(standing) = standing {
        known(desk.agreements.contains_key(first))?;
        return Ok(desk.change_agreement(first, &AgreementChange::Standing(standing)));
    }
    Ok(match what {
        "invite" => desk.invite(first, PartnerTerms::everything()).1,
        "share" => {
            known(desk.agreements.contains_key(first))?;
            let requester = desk.person("Robin");
            let (subject, status) = (rest.to_owned(), "open".to_owned());
            let comments = vec![(rest.to_owned(), true)];
            let new = NewTicket { subject, status, requester, comments, ..NewTicket::default() };
            desk.share(first, new).1
        }
        "public" | "private" => {
            known(desk.tickets.contains_key(first))?;
            let comments = vec![desk.comment(rest, what == "public")];
            desk.update(first, TicketChange { comments, ..TicketChange::default() })
        }
        "status" => {
            known(desk.tickets.contains_key(first))?;
            desk.update(
                first,
                TicketChange { status: Some(rest.to_owned()), ..TicketChange::default() },
            )
        }
        "unshare" => {
            known(desk.tickets.contains_key(first))?;
            desk.unshare(first)
        }
        _ => bail!("{HELP}"),
    })
}
