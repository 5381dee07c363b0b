//! After the database was restored: what desks hold and what Deskmesh holds come together again.

use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use contracts::command::{AccountRecover, DEFAULT_LIMIT, ShareRecover};
use contracts::{Epoch, Message, Reason, Receipt, ReceiptOutcome, Timestamp};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::error::{Error, Result};
use crate::registration::{LoggedIn, no_receipt};

/// How long one page may take: what waits in the queues comes before it.
const PAGE_LIMIT: Duration = Duration::from_mins(10);
const A_DAY: u64 = 24 * 60 * 60;
/// The first of January 2026, in days since 1970.
const FIRST_DAY: u64 = 20_454;

/// How far a recovery has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Pages of accounts, one or more for each: in force everywhere.
    pub accounts: u64,
    /// Pages of live shares, whose desks are being told.
    pub shares: u64,
}

/// The epoch of a recovery today: the days since the beginning of 2026. A database that is restored
/// to before a recovery has forgotten that one's epoch; the calendar has not.
#[must_use]
pub fn epoch_today() -> Epoch {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    epoch_on(since.as_secs() / A_DAY)
}

fn epoch_on(day: u64) -> Epoch {
    let day = u16::try_from(day.saturating_sub(FIRST_DAY)).unwrap_or(u16::MAX);
    Epoch::new(day.max(1)).unwrap_or(Epoch::LAST)
}

/// Raises every number above all that were ever given, and lets each desk send again what was
/// decided `since`; then has both desks of each live share told the share and their copy, `rate`
/// shares a second at most. Doing it again with the same epoch tells it again.
///
/// # Errors
/// When the broker or a service refuses, or a page's receipt did not come.
pub async fn recover(
    operator_url: &str,
    (epoch, since): (Epoch, Timestamp),
    rate: NonZeroU32,
    mut tell: impl FnMut(Progress),
) -> Result<Progress> {
    let mut operator = LoggedIn::open(operator_url).await?;
    let mut progress = Progress::default();
    let mut cursor = None;
    loop {
        let page = AccountRecover { epoch, since, cursor };
        cursor = asked(&mut operator, epoch, &page).await?.next_cursor;
        if cursor.is_none() {
            break;
        }
        progress.accounts += 1;
        tell(progress);
    }
    let mut turns = interval(turn(rate));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let page = ShareRecover { cursor, limit: None };
        cursor = asked(&mut operator, epoch, &page).await?.next_cursor;
        progress.shares += 1;
        tell(progress);
        if cursor.is_none() {
            break;
        }
    }
    operator.close().await;
    Ok(progress)
}

/// The time of one page of shares.
fn turn(rate: NonZeroU32) -> Duration {
    Duration::from_secs_f64(f64::from(DEFAULT_LIMIT) / f64::from(rate.get()))
}

async fn asked<M: Message>(operator: &mut LoggedIn, epoch: Epoch, page: &M) -> Result<Receipt> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let id = |_: &str| format!("recover-{}-{}", epoch.number(), since.as_nanos());
    let what = format!("the receipt of a {}", M::NAME);
    let receipt = timeout(PAGE_LIMIT, operator.ask(page, id))
        .await
        .unwrap_or_else(|_| Err(no_receipt(what, PAGE_LIMIT)))?;
    if receipt.outcome == ReceiptOutcome::Applied {
        return Ok(receipt);
    }
    let reason = receipt.reason.map_or("refused", Reason::code);
    let detail = receipt.detail.unwrap_or_default();
    Err(Error::Unexpected { what: M::NAME.to_owned(), detail: format!("{reason}: {detail}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_the_day_and_a_later_one_is_higher() {
        assert_eq!(epoch_on(FIRST_DAY), Epoch::new(1).unwrap());
        assert_eq!(epoch_on(FIRST_DAY + 334), Epoch::new(334).unwrap());
        assert_eq!(epoch_on(0), Epoch::new(1).unwrap(), "a clock that is behind");
        assert_eq!(epoch_on(FIRST_DAY + 9_000), Epoch::LAST);
    }

    #[test]
    fn a_rate_is_kept_page_by_page() {
        assert_eq!(turn(NonZeroU32::new(100).unwrap()), Duration::from_millis(500));
    }
}
