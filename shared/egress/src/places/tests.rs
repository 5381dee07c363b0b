use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::timeout;

use super::*;

#[tokio::test]
async fn a_host_that_is_full_holds_up_no_other() {
    let places = Places::new(2, 3);
    let held = [places.take("a").await.unwrap(), places.take("a").await.unwrap()];
    let mut waits = Box::pin(places.take("a"));
    assert!((&mut waits).now_or_never().is_none());
    assert!(places.take("b").now_or_never().flatten().is_some());
    drop(held);
    assert!(timeout(Duration::from_secs(5), waits).await.unwrap().is_some());
}

#[tokio::test]
async fn all_hosts_together_have_a_bound() {
    let places = Places::new(2, 3);
    let held = (places.take("a").await, places.take("a").await, places.take("b").await);
    let mut waits = Box::pin(places.take("c"));
    assert!((&mut waits).now_or_never().is_none());
    drop(held);
    assert!(timeout(Duration::from_secs(5), waits).await.unwrap().is_some());
}

#[tokio::test]
async fn hosts_without_a_call_are_forgotten_and_others_are_not() {
    let places = Places::new(1, 10_000);
    let held = places.take("held").await.unwrap();
    for host in 0..REMEMBERED * 3 {
        places.take(&host.to_string()).await.unwrap();
    }
    assert!(places.hosts.lock().unwrap().len() <= REMEMBERED);
    assert!(places.take("held").now_or_never().is_none());
    drop(held);
}
