//! A large file is streamed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use files::hex;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{MIB, get, stream, stream_told};
use crate::harness::{ACME, GatewayHarness};

/// What this process holds of memory, in KiB.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.expect("a number of KiB")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_streamed_and_memory_stays_flat() {
    const SIZE: usize = 64;
    let harness = GatewayHarness::set("gateway-files-large").await;
    let token = harness.token(ACME, &["files"]).await;
    // What the process keeps of memory once it has served a file is not this one's.
    stream(&harness, &token, SIZE / 4, vec![7; MIB]).await;
    let (before, most) = (memory(), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let look = move || {
        seen.fetch_max(memory(), Ordering::Relaxed);
    };
    let kept = stream_told(&harness, &token, (SIZE, vec![7; MIB]), look).await;
    assert_eq!((&kept["status"], &kept["size"]), (&json!(201), &json!(SIZE * MIB)), "{kept}");
    let grown = most.load(Ordering::Relaxed).saturating_sub(before);
    println!("64 MiB were uploaded; the process grew by {grown} KiB");
    // All tests of the process are in this number; the whole file would be more.
    assert!(grown < SIZE * 1024 * 3 / 4, "it grew by {grown} KiB");
    let got = get("GET", kept["url"].as_str().unwrap(), &[]).await;
    assert_eq!(kept["sha256"], hex(&Sha256::digest(&got.body)));
    assert!(got.body == vec![7; SIZE * MIB], "the bytes are the same");
    harness.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_uploads_than_memory_is_for_all_come_to_their_end() {
    // More than have a part of S3 in memory at a time, and each larger than one.
    const UPLOADS: usize = 20;
    const SIZE: usize = 7;
    let harness = GatewayHarness::set("gateway-files-many").await;
    let token = harness.token(ACME, &["files"]).await;
    let before = memory();
    let most = Arc::new(AtomicUsize::new(0));
    let uploads = (0..UPLOADS).map(|_| {
        let seen = Arc::clone(&most);
        let look = move || {
            seen.fetch_max(memory(), Ordering::Relaxed);
        };
        stream_told(&harness, &token, (SIZE, vec![7; MIB]), look)
    });
    for kept in futures_util::future::join_all(uploads).await {
        assert_eq!((&kept["status"], &kept["size"]), (&json!(201), &json!(SIZE * MIB)), "{kept}");
    }
    let grown = most.load(Ordering::Relaxed).saturating_sub(before);
    println!(
        "{UPLOADS} files of {SIZE} MiB were uploaded at once; the process grew by {grown} KiB"
    );
    assert_eq!(harness.objects().await, UPLOADS);
    harness.remove().await;
}
