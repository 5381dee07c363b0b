//! One large file, up and down again.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use local::Instance;
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::report::Report;
use crate::site::Site;

const MIB: usize = 1024 * 1024;
const GOAL_MIB: u64 = 32;
const LIMIT: Duration = Duration::from_mins(30);

/// A body of zeros; before each MiB the process's memory is looked at.
struct Zeros {
    left: usize,
    seen: Seen,
}

/// The most that was seen of the process's memory, in KiB.
#[derive(Clone)]
struct Seen {
    process: local::process::Process,
    most: Arc<AtomicU64>,
}

impl Seen {
    fn of(gateway: &Instance) -> Result<Self> {
        let process = gateway.process().context("the gateway has ended")?;
        Ok(Self { process, most: Arc::default() })
    }

    fn look(&self) {
        self.most.fetch_max(self.process.resident().unwrap_or_default(), Ordering::Relaxed);
    }

    fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }
}

impl Read for Zeros {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.left.is_multiple_of(MIB) {
            self.seen.look();
        }
        let upto = if self.left.is_multiple_of(MIB) { MIB } else { self.left % MIB };
        let count = into.len().min(upto).min(self.left);
        into[..count].fill(0);
        self.left -= count;
        Ok(count)
    }
}

/// Uploads and downloads so many MiB.
///
/// # Errors
/// When it is refused, or comes back as something else.
pub async fn measure(site: &Site, mib: usize, report: &mut Report) -> Result<()> {
    let before = site.memory()?;
    let seen = Seen::of(&site.gateway)?;
    let (url, token, looks) = (site.url.clone(), site.token.clone(), seen.clone());
    let began = Instant::now();
    let moved = spawn_blocking(move || {
        let link = upload(&url, &token, mib, looks.clone())?;
        let uploaded = began.elapsed();
        download(&link, mib, &looks)?;
        Ok::<_, anyhow::Error>((uploaded, began.elapsed().saturating_sub(uploaded)))
    });
    let (up, down) = moved.await.context("moving a file")??;
    let grown = seen.most().saturating_sub(before) / 1024;
    let held = Report::goal(grown <= GOAL_MIB, &format!("≤ {GOAL_MIB} MiB"));
    report.figure(&format!("a file of {mib} MiB, memory"), &format!("{grown} MiB"), &held);
    let (up, down) = (up.as_secs_f64(), down.as_secs_f64());
    report.figure(&format!("a file of {mib} MiB"), &format!("{up:.1} s up, {down:.1} s down"), "");
    Ok(())
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().timeout_global(Some(LIMIT));
    config.http_status_as_error(false).build().into()
}

fn upload(url: &str, token: &str, mib: usize, seen: Seen) -> Result<String> {
    let mut body = Zeros { left: mib * MIB, seen };
    let mut answer = agent()
        .post(format!("{url}/v1/files?filename=large.bin"))
        .header("authorization", format!("Bearer {token}"))
        .send(ureq::SendBody::from_reader(&mut body))
        .context("uploading")?;
    let status = answer.status().as_u16();
    let told: Value = answer.body_mut().read_json().context("reading the answer")?;
    ensure!(status == 201, "the upload was answered {status}: {told}");
    Ok(told["url"].as_str().context("the answer has no link")?.to_owned())
}

fn download(link: &str, mib: usize, seen: &Seen) -> Result<()> {
    let mut answer = agent().get(link).call().context("downloading")?;
    let mut body = answer.body_mut().with_config().limit(u64::MAX).reader();
    let (mut part, mut size) = (vec![0; MIB], 0);
    loop {
        let read = body.read(&mut part).context("downloading")?;
        if read == 0 {
            break;
        }
        ensure!(part[..read].iter().all(|byte| *byte == 0), "the file is another one");
        size += read;
        seen.look();
    }
    ensure!(size == mib * MIB, "the file has {size} bytes");
    Ok(())
}
