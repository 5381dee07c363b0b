//! Memory stays flat: over a quarter of an hour of work, and over a backlog of two hundred thousand
//! messages.

mod backlog;
mod memory;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::check::{Heard, Part, check};
use crate::runner::Pace;
use crate::site::{Deviations, Site};
use crate::traffic::Traffic;
pub use backlog::backlog;
use memory::Memory;

/// What a process may take to have everything it needs: pools, caches, compiled statements.
const WARM: Duration = Duration::from_mins(3);

/// Works at a steady pace for `time` and watches the services' memory. Whether it stayed flat and
/// everything came.
///
/// # Errors
/// When the system does not start, or a process ends.
pub async fn soak(dir: &Path, seed: u64, time: Duration) -> Result<bool> {
    let pace = Pace::steady();
    let site = Site::open(dir, &Deviations::default()).await?;
    let traffic = Traffic::open(&site, seed, pace.think).await?;
    let over = CancellationToken::new();
    let end = async {
        tokio::time::sleep(time).await;
        over.cancel();
    };
    let ((), memory, ()) =
        tokio::join!(traffic.work(1, pace.workers, &over), Memory::watch(&site, &over), end);
    let memory = memory?;
    let verdict = everything(&traffic).await;
    #[expect(clippy::cast_precision_loss, reason = "a number for people")]
    let rate = verdict.commands as f64 / time.as_secs_f64();
    println!("{} minutes at {rate:.0} commands/s: {verdict}\n", time.as_secs() / 60);
    println!("{}", memory.table(WARM));
    drop(traffic);
    site.close().await?;
    Ok(verdict.holds() && memory.is_flat(WARM))
}

/// The proof over all that was published.
async fn everything(traffic: &Traffic) -> crate::check::Verdict {
    let (commands, tickets) = {
        let book = traffic.ledger.book();
        (book.commands.len(), book.tickets.len())
    };
    traffic.answered(0..commands).await;
    let part = Part { commands: 0..commands, tickets: 0..tickets, marks: 0 };
    let mut heard = std::collections::BTreeMap::<&'static str, Heard>::new();
    let mut verdict = check(traffic, &mut heard, &part);
    let mut looks = 0;
    // Deliveries that the receipts have overtaken.
    while !verdict.holds() && looks < 100 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        verdict = check(traffic, &mut heard, &part);
        looks += 1;
    }
    verdict
}
