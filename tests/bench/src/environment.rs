//! The virtual hosts in which contestants are measured, each with an outside reader of its desks.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use local::{Database, Fleet, Installation};

use crate::accounts::Accounts;
use crate::board::Board;
use crate::contestant::{Contestant, Ground, Running, migrate};
use crate::load::Publisher;
use crate::peers::Peers;
use crate::population::{self, ACCOUNTS, account};
use crate::reader::Reader;
use crate::scenario::On;
use crate::site::Site;
use crate::work::Kind;
use crate::{filled, waiting};

/// Updates that one run may publish to one virtual host.
const ROWS: usize = 6_000_000;

/// A virtual host whose desks are read.
#[derive(Debug)]
pub struct BenchEnvironment {
    /// What was published and what came of it.
    pub board: Arc<Board>,
    /// The desks.
    pub publisher: Publisher,
    url: String,
    _reader: Reader,
}

impl BenchEnvironment {
    async fn open(
        site: &Site,
        name: &str,
        tickets: usize,
        further: &[String],
    ) -> Result<(Self, Installation)> {
        let installation = site.virtual_host(name).await?;
        population::make_desks(
            &installation,
            (0..ACCOUNTS).map(account).chain(further.iter().cloned()).collect(),
            &[],
        )
        .await?;
        let (url, board) = (site.url(&installation)?, Arc::new(Board::new(ROWS)));
        let reader = Reader::open(&url, Arc::clone(&board), tickets, further).await?;
        Ok((
            Self { board, publisher: Publisher::open(&url).await?, url, _reader: reader },
            installation,
        ))
    }
}

/// A environment with a database and the services that belong to it.
#[derive(Debug)]
struct Home {
    environment: BenchEnvironment,
    fleet: Fleet,
    database: Database,
    installation: Installation,
}

impl Home {
    async fn open(site: &Site, name: &str, tickets: usize, further: &[String]) -> Result<Self> {
        let (environment, installation) =
            BenchEnvironment::open(site, name, tickets, further).await?;
        let database = site.database(name).await?;
        let fleet =
            Fleet::new(&site.dir().join(name), &installation, &database, "smtp://127.0.0.1:9")?;
        migrate(&fleet).await?;
        Ok(Self { environment, fleet, database, installation })
    }

    async fn settle(&self, tickets: usize, accounts: Accounts) -> Result<()> {
        let BenchEnvironment { publisher, board, .. } = &self.environment;
        population::settle(publisher, board, tickets, accounts).await
    }

    async fn start(&self) -> Result<Running> {
        let ground = Ground { fleet: &self.fleet, raw_url: &self.environment.url, peers: None };
        Running::start(Contestant::Deskmesh { replicas: 1 }, Kind::Comment, &ground).await
    }
}

/// All of them, as far as they are wanted.
#[derive(Debug)]
pub struct Halls {
    usual: Home,
    real: Option<Home>,
    filled: Option<Home>,
    waiting: Option<Home>,
    raw: BenchEnvironment,
    python: Option<(BenchEnvironment, Peers)>,
}

impl Halls {
    /// Makes the halls and shares `tickets` tickets in each; what is not `wanted` is left out.
    ///
    /// # Errors
    /// When a server or a service refuses.
    pub async fn open(
        site: &Site,
        tickets: usize,
        wanted: impl Fn(On) -> bool,
        python: bool,
    ) -> Result<Self> {
        let usual = Home::open(site, "usual", tickets, &[]).await?;
        let running = usual.start().await?;
        println!(
            "services ready in {:.1} s; sharing {tickets} tickets",
            running.ready_in.as_secs_f64()
        );
        usual.settle(tickets, Accounts::Plain).await?;
        running.stop().await?;
        let real = if wanted(On::Real) { Some(Self::real(site, tickets).await?) } else { None };
        let filled =
            if wanted(On::Filled) { Some(Self::filled(site, tickets).await?) } else { None };
        let waiting =
            if wanted(On::Waiting) { Some(Self::waiting(site, tickets).await?) } else { None };
        let (raw, _) = BenchEnvironment::open(site, "raw", tickets, &[]).await?;
        let python = if python { Some(Self::python(site, tickets).await?) } else { None };
        Ok(Self { usual, real, filled, waiting, raw, python })
    }

    async fn real(site: &Site, tickets: usize) -> Result<Home> {
        let home = Home::open(site, "real", tickets, &[]).await?;
        let running = home.start().await?;
        println!("the same with real accounts");
        home.settle(tickets, Accounts::Real).await?;
        running.stop().await?;
        Ok(home)
    }

    async fn filled(site: &Site, tickets: usize) -> Result<Home> {
        let home = Home::open(site, "filled", tickets, &filled::senders()).await?;
        let running = home.start().await?;
        home.settle(tickets, Accounts::Plain).await?;
        filled::seed(&home.environment.publisher, &home.environment.board).await?;
        running.stop().await?;
        println!("storing {} shares with {} comments each", filled::SHARES, filled::COMMENTS);
        filled::multiply(&home.database).await?;
        Ok(home)
    }

    async fn waiting(site: &Site, tickets: usize) -> Result<Home> {
        let home = Home::open(site, "waiting", tickets, &[waiting::SENDER.to_owned()]).await?;
        waiting::make_small_queue(&home.installation).await?;
        let running = home.start().await?;
        home.settle(tickets, Accounts::Plain).await?;
        println!("letting {} deliveries wait for a full queue", waiting::DELIVERIES);
        waiting::fill(&home.environment.publisher, &home.environment.board).await?;
        running.stop().await?;
        waiting::check(&home.database).await?;
        Ok(home)
    }

    async fn python(site: &Site, tickets: usize) -> Result<(BenchEnvironment, Peers)> {
        let (environment, _) = BenchEnvironment::open(site, "python", tickets, &[]).await?;
        let database = site.database("python").await?.url()?;
        let peers = Peers::prepare(site.dir(), &environment.url, &database, tickets).await?;
        Ok((environment, peers))
    }

    /// Where this contestant is measured.
    ///
    /// # Errors
    /// When it was not wanted.
    pub fn of(&self, contestant: Contestant, on: On) -> Result<&BenchEnvironment> {
        Ok(match contestant {
            Contestant::Raw => &self.raw,
            Contestant::Python { .. } => {
                &self.python.as_ref().context("no peer in Python was prepared")?.0
            }
            _ => &self.home(on)?.environment,
        })
    }

    /// Starts it there.
    ///
    /// # Errors
    /// When a process does not start.
    pub async fn start(&self, contestant: Contestant, kind: Kind, on: On) -> Result<Running> {
        let peers = self.python.as_ref().map(|(_, peers)| peers);
        let ground = Ground { fleet: &self.home(on)?.fleet, raw_url: &self.raw.url, peers };
        Running::start(contestant, kind, &ground).await
    }

    fn home(&self, on: On) -> Result<&Home> {
        match on {
            On::Usual => Some(&self.usual),
            On::Real => self.real.as_ref(),
            On::Filled => self.filled.as_ref(),
            On::Waiting => self.waiting.as_ref(),
        }
        .with_context(|| format!("{on:?} was not prepared"))
    }
}

/// Where logs of earlier runs are taken away.
pub fn clear_logs(dir: &Path) {
    for name in ["usual", "real", "filled", "waiting"] {
        std::fs::remove_dir_all(dir.join(name)).ok();
    }
}
