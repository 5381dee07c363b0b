//! `certify` finds each of the mistakes that desks have had, and nothing where there is none.

mod desk;
mod wrong;

use std::time::Duration;

use contracts::AccountName;
use futures_util::StreamExt;
use futures_util::stream;
use operator::account::AccountAdmin;
use operator::certify::{Report, Settings, certify, partner as certify_partner};
use operator::secret;

use crate::site::Site;
use desk::MistakenDesk;
use wrong::Mistake;

/// Long where all is well, because a machine may be slow; a desk with a mistake never gets there.
const PATIENCE: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_secs(4);
const LIMIT: Duration = Duration::from_mins(2);
/// Desks that are certified at the same time.
const AT_ONCE: usize = 5;

/// Each mistake with the check that has to find it.
const MISTAKES: [(Mistake, &str); 25] = [
    (Mistake::RevisionWithoutValue, "lost_race"),
    (Mistake::LastOneWins, "newest_wins"),
    (Mistake::OneRevision, "each_field"),
    (Mistake::ForgetsRemoved, "removed"),
    (Mistake::DropsEarly, "early"),
    (Mistake::TakesTwice, "twice"),
    (Mistake::FillsAgain, "redacted"),
    (Mistake::DropsEarlyRedaction, "redacted_first"),
    (Mistake::KeepsCleared, "cleared"),
    (Mistake::MappedIsMine, "own_hold"),
    (Mistake::ReceiptsInOrder, "receipts"),
    (Mistake::InMemory, "restart"),
    (Mistake::ForgetsCommands, "command_kept"),
    (Mistake::NewIdAfterRestart, "command_kept"),
    (Mistake::Echoes, "no_echo"),
    (Mistake::CutsText, "texts"),
    (Mistake::ManglesLetters, "texts"),
    (Mistake::DeletesWithShare, "after_the_end"),
    (Mistake::SharesAllAsPublic, "shared_whole"),
    (Mistake::SharesNoComments, "shared_whole"),
    (Mistake::OnlyReceives, "shared_answered"),
    (Mistake::ShareStands, "shared_answered_first"),
    (Mistake::MappedAtShare, "shared_on_hold"),
    (Mistake::ForgetsShares, "share_kept"),
    (Mistake::SharesAgain, "share_kept"),
];

struct Candidate {
    doors: AccountAdmin,
    account: AccountName,
    partner: String,
    url: String,
    file: std::path::PathBuf,
}

impl Candidate {
    async fn at(site: &mut Site, number: usize) -> Self {
        let (account, partner) =
            (site.name(&format!("desk{number}")), site.name(&format!("c{number}")));
        let password = secret::new_password();
        site.add_with(&account, Some(&password)).await.unwrap();
        let url = site.doors.url_of(account.as_str(), &password).unwrap();
        let dir = local::test_environment::target().join("operator-tests").join(site.world.name());
        let file = dir.join(format!("{account}.jsonl"));
        // One after the other: of two that register at once each would hold what the other waits
        // for.
        let partner = certify_partner(&site.doors, partner.as_str()).await.unwrap();
        Self { doors: site.doors.clone(), account, partner, url, file }
    }

    async fn certified(self, mistake: Mistake, patience: Duration, only: &[&str]) -> Report {
        let mut desk = MistakenDesk::start(&self.url, &self.account, mistake, self.file).await;
        let settings = Settings {
            account: self.account,
            partner: self.partner,
            patience,
            limit: LIMIT,
            only: only.iter().map(|&name| name.to_owned()).collect(),
            seed: 7,
        };
        certify(&self.doors, &settings, &mut desk).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_desk_passes_and_each_mistake_is_found() {
    let mut site = Site::open("operator-certify").await;
    let right = Candidate::at(&mut site, 99).await;
    let report = right.certified(Mistake::None, PATIENCE, &[]).await;
    assert!(report.is_passed(), "{report}");
    let untried = report.to_string().lines().filter(|line| line.starts_with("untried")).count();
    assert_eq!(untried, 0, "{report}");

    let mut wrong = Vec::new();
    for (number, (mistake, check)) in MISTAKES.into_iter().enumerate() {
        wrong.push((mistake, check, Candidate::at(&mut site, number).await));
    }
    let reports: Vec<(Mistake, &str, Report)> = stream::iter(wrong)
        .map(|(mistake, check, candidate)| async move {
            // What is published back is found among what other checks caused.
            let only: &[&str] = if check == "no_echo" { &["twice", "no_echo"] } else { &[check] };
            (mistake, check, candidate.certified(mistake, SHORT, only).await)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let missed: Vec<String> = reports
        .iter()
        .filter(|(_, check, report)| report.wrong() != [*check])
        .map(|(mistake, _, report)| format!("{mistake:?}: {report}"))
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    site.remove().await;
}
