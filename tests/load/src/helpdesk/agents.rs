//! Agents at work: each looks at a page, with its stream open, thinks, and clicks on the next.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::browser::{Shown, Visitor};
use super::fill::{BUSY, token, views};
use super::tally::{Click, Clicked, Tally};

/// How long somebody thinks between two clicks, and by how much more at most.
const THINK: Duration = Duration::from_secs(2);
const MORE_MS: u64 = 3_000;

/// Where agents find what they click on.
#[derive(Clone)]
pub struct Desk {
    /// Host and port.
    pub address: Arc<str>,
    /// How many tickets there are.
    pub tickets: i64,
    /// The tenth page of all that is unsolved.
    pub later: Arc<str>,
}

/// Agents at work; they stop with this.
pub struct AtWork {
    pub tally: Arc<Tally>,
    _agents: JoinSet<()>,
}

impl AtWork {
    /// So many agents begin.
    #[must_use]
    pub fn begin(desk: &Desk, count: usize) -> Self {
        let (tally, mut agents) = (Arc::<Tally>::default(), JoinSet::new());
        for agent in 0..count {
            agents.spawn(work(desk.clone(), agent, Arc::clone(&tally)));
        }
        Self { tally, _agents: agents }
    }
}

async fn work(desk: Desk, agent: usize, tally: Arc<Tally>) {
    let mut visitor = Visitor::new(Arc::clone(&desk.address), &token(agent));
    let mut chance = Chance(agent as u64 + 1);
    // They do not all come in the same moment.
    sleep(Duration::from_millis(chance.below(MORE_MS))).await;
    loop {
        let on = chance.click();
        let path = chance.path(on, &desk);
        let page = match click(&mut visitor, on, &path, &tally).await {
            Ok(page) => page,
            Err(error) => {
                tally.failed(format!("{path}: {error:#}"));
                sleep(THINK).await;
                continue;
            }
        };
        let shown = Shown::of(&page);
        let thinking = sleep(THINK + Duration::from_millis(chance.below(MORE_MS)));
        tokio::pin!(thinking);
        // The next click takes the page's stream with it.
        tokio::select! {
            () = &mut thinking => {}
            ended = visitor.look(&shown, &tally) => {
                if let Err(error) = ended {
                    tally.failed(format!("the stream of {path}: {error:#}"));
                }
                thinking.await;
            }
        }
    }
}

/// Asks for a page; one on which a note was written is shown again.
async fn click(visitor: &mut Visitor, on: Click, path: &str, tally: &Tally) -> Result<String> {
    let mut at = Instant::now();
    if on == Click::Note {
        let note = visitor.post(path, "mode=note&body=The+fuses+are+fine.").await?;
        ensure!(note.status == 303, "a note: {}", note.status);
        tally.clicked(Clicked { on, at, took: at.elapsed() });
        at = Instant::now();
    }
    let answer = visitor.get(path).await?;
    ensure!(answer.status == 200, "{}", answer.status);
    let on = if on == Click::Note { Click::Ticket } else { on };
    tally.clicked(Clicked { on, at, took: at.elapsed() });
    Ok(answer.body)
}

/// Chance that a seed repeats.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        let (factor, addend) = (6_364_136_223_846_793_005, 1_442_695_040_888_963_407);
        self.0 = self.0.wrapping_mul(factor).wrapping_add(addend);
        (self.0 >> 33) % limit.max(1)
    }

    /// Half of all clicks are on tickets, and one of twenty writes a note.
    fn click(&mut self) -> Click {
        match self.below(20) {
            0..=8 => Click::Ticket,
            9 => Click::Note,
            10..=12 => Click::Unsolved,
            13 => Click::Later,
            14 | 15 => Click::Mine,
            16 => Click::Received,
            17 | 18 => Click::Own,
            _ => Click::Search,
        }
    }

    fn path(&mut self, on: Click, desk: &Desk) -> String {
        match on {
            Click::Ticket => format!("/tickets/{}", self.ticket(desk.tickets)),
            // Of those none is closed.
            Click::Note => format!("/tickets/{}", self.newest(desk.tickets, desk.tickets / 20)),
            Click::Unsolved => "/tickets?view=unsolved".to_owned(),
            Click::Later => desk.later.to_string(),
            Click::Mine => "/tickets?view=mine".to_owned(),
            Click::Received => "/tickets?view=received".to_owned(),
            Click::Own => {
                let views = views();
                let place = self.below(views.len() as u64);
                let view = usize::try_from(place).ok().and_then(|place| views.get(place));
                format!("/tickets?view={}", view.map(|(id, _)| id.as_str()).unwrap_or_default())
            }
            Click::Search => {
                let word = ["hall+", "leaks+in+hall+", "robin+1", "cabinet+k", "robin7"];
                let word = usize::try_from(self.below(5)).ok().and_then(|place| word.get(place));
                let (word, number) = (word.copied().unwrap_or_default(), self.below(90));
                format!("/search?q={word}{number}")
            }
        }
    }

    /// New ones most of the time, sometimes one on which much was said, sometimes an old one.
    fn ticket(&mut self, tickets: i64) -> i64 {
        match self.below(10) {
            0 => self.newest(tickets, BUSY),
            1 | 2 => self.newest(tickets, tickets),
            _ => self.newest(tickets, tickets / 20),
        }
    }

    /// One of the newest.
    fn newest(&mut self, tickets: i64, of: i64) -> i64 {
        let place = self.below(of.unsigned_abs());
        tickets - i64::try_from(place).unwrap_or_default()
    }
}
