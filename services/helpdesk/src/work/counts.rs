//! How many tickets views have. They are counted for all who look, and again after a while: every
//! page of a list shows the counts of all views, and is made again whenever a ticket changes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::rules::condition::{Conditions, ME};
use crate::store::view;

/// For so many times of what counting took a count is shown, and for how long at most.
const TIMES: u32 = 20;
const LONGEST: Duration = Duration::from_secs(10);
/// While somebody counts anew, the others are shown what was counted before.
const COUNTING: Duration = Duration::from_secs(5);

/// For how long a count is shown that took so long.
fn shown_for(took: Duration) -> Duration {
    LONGEST.min(took * TIMES)
}

/// A view of an account, and of a person where it depends on who looks.
type ViewKey = (String, Option<Uuid>, String);

#[derive(Clone, Copy, Debug)]
struct Counted {
    count: i64,
    until: Instant,
}

/// What was counted, of all accounts.
#[derive(Debug, Default)]
pub struct Counts(Mutex<HashMap<ViewKey, Counted>>);

impl Counts {
    /// How many tickets each view has, [`view::COUNTED`] at most.
    ///
    /// # Errors
    /// The database.
    pub async fn of(
        &self,
        connection: &mut PgConnection,
        account: &str,
        me: Uuid,
        views: &[&Conditions],
    ) -> sqlx::Result<Vec<i64>> {
        let began = Instant::now();
        let keys: Vec<ViewKey> = views.iter().map(|view| key(account, me, view)).collect();
        let mut counts = self.known(&keys, began);
        let missing: Vec<usize> = (0..views.len()).filter(|at| counts[*at].is_none()).collect();
        let asked: Vec<&Conditions> = missing.iter().map(|at| views[*at]).collect();
        let counted = view::counts(connection, account, me, &asked).await?;
        let until = Instant::now() + shown_for(began.elapsed());
        let kept = missing.iter().zip(&counted).map(|(at, count)| (keys[*at].clone(), *count));
        self.keep(kept, until);
        for (at, count) in missing.into_iter().zip(counted) {
            counts[at] = Some(count);
        }
        Ok(counts.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// What need not be counted now. What is due is counted by whoever asks first.
    fn known(&self, keys: &[ViewKey], now: Instant) -> Vec<Option<i64>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of = |key: &ViewKey| {
            let counted = known.get_mut(key)?;
            if now < counted.until {
                return Some(counted.count);
            }
            counted.until = now + COUNTING;
            None
        };
        keys.iter().map(&mut of).collect()
    }

    fn keep(&self, counted: impl Iterator<Item = (ViewKey, i64)>, until: Instant) {
        let now = Instant::now();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What nobody looked at since it was due is let go.
        known.retain(|_, it| now < it.until + COUNTING);
        known.extend(counted.map(|(key, count)| (key, Counted { count, until })));
    }
}

fn key(account: &str, me: Uuid, view: &Conditions) -> ViewKey {
    let is_of_me = view.iter().any(|condition| condition.value == ME);
    (account.to_owned(), is_of_me.then_some(me), format!("{view:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::condition::{Condition, Operator, Subject};

    #[test]
    fn what_is_counted_quickly_is_counted_often_and_nothing_is_shown_for_long() {
        for (took, shown) in [(0, 0), (10, 200), (200, 4_000), (5_000, 10_000)] {
            let shown = Duration::from_millis(shown);
            assert_eq!(shown_for(Duration::from_millis(took)), shown, "{took} ms");
        }
    }

    #[test]
    fn what_is_due_is_counted_by_one_and_shown_to_the_others() {
        let (counts, now) = (Counts::default(), Instant::now());
        let view = key("acme", Uuid::nil(), &Conditions::default());
        let keys = [view.clone()];
        assert_eq!(counts.known(&keys, now), [None]);
        counts.keep([(view.clone(), 7)].into_iter(), now + Duration::from_secs(4));
        let later = now + Duration::from_secs(3);
        assert_eq!(counts.known(&keys, later), [Some(7)]);
        let due = now + Duration::from_secs(4);
        assert_eq!(counts.known(&keys, due), [None], "the first counts");
        assert_eq!(counts.known(&keys, due), [Some(7)], "the others do not");
        counts.keep([(view, 8)].into_iter(), due + Duration::from_secs(1));
        assert_eq!(counts.known(&keys, due), [Some(8)]);
    }

    #[test]
    fn only_what_depends_on_who_looks_is_counted_for_each() {
        let mine = Condition::new(Subject::Assignee, Operator::Is, ME);
        let mine = Conditions { all: vec![mine], any: Vec::new() };
        let (ann, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_ne!(key("acme", ann, &mine), key("acme", ben, &mine));
        let all = Conditions::default();
        assert_eq!(key("acme", ann, &all), key("acme", ben, &all));
        assert_ne!(key("acme", ann, &all), key("globex", ann, &all));
    }
}
