//! Partners and the running bridge, on one set of services.

use nhd_partner::Dialect;

use crate::system::System;
use crate::{story, trouble};

#[tokio::test(flavor = "multi_thread")]
async fn each_dialect_plays_the_story() {
    let system = System::open("nhd_bridge").await;
    for (account, dialect) in [
        ("acme", Dialect::Zendesk),
        ("globex", Dialect::JavaScript),
        ("initech", Dialect::RequestTracker),
    ] {
        println!("{dialect:?}");
        story::play(&system, account, dialect).await;
    }
    system.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_trouble_passes() {
    let system = System::open("nhd_trouble").await;
    trouble::told_again(&system).await;
    trouble::refused(&system).await;
    trouble::expired(&system).await;
    system.close().await;
}
