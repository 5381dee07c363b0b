//! The canary sings while all goes well, and falls silent when a service is away.

use std::time::Duration;

use contracts::topology::Service;
use operator::canary::{Steps, round};

use crate::site::Site;

const LIMIT: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn the_canary_tells_whether_the_line_works() {
    let mut site = Site::open("operator-canary").await;
    let mut urls = Vec::new();
    for stem in ["canary-a", "canary-b"] {
        let (account, password) = site.add(stem).await;
        urls.push(site.doors.url_of(account.as_str(), &password).unwrap());
    }
    let play = async |limit| {
        let mut steps = Steps::default();
        let played = round(&urls[0], &urls[1], limit, &mut steps).await;
        (played.map_err(|error| error.to_string()), steps)
    };
    let names = |steps: &Steps| steps.0.iter().map(|(step, _)| *step).collect::<Vec<_>>();

    // The first one makes the agreement, the second one finds it.
    for _ in 0..2 {
        let (played, steps) = play(LIMIT).await;
        assert_eq!(played, Ok(()));
        assert_eq!(names(&steps), ["login", "share", "comment", "unshare"]);
        println!("{steps}");
    }

    // Without comment-sync no share and no comment arrives. The round ends half-way, with the share
    // open.
    site.service(Service::CommentSync).kill9().unwrap();
    let (played, steps) = play(SHORT).await;
    assert!(played.unwrap_err().contains("the canary's share not within 5 s"));
    assert_eq!(names(&steps), ["login"]);

    // The next round ends what that one left.
    let comment_sync = site.service(Service::CommentSync);
    comment_sync.restart().unwrap();
    comment_sync.wait_ready(LIMIT).unwrap();
    assert_eq!(play(LIMIT).await.0, Ok(()));
    site.remove().await;
}
