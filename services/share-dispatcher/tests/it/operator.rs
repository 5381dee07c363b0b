//! The program's command line as operators use it, against a real database and broker.

use std::process::{Command, Output};

use contracts::topology::Service;
use local::TestEnvironment;
use serde_json::Value;
use sqlx::PgPool;

const FIRST: &str = "00000000-0000-0000-0000-00000000000a";
const SECOND: &str = "00000000-0000-0000-0000-00000000000b";

struct Shell {
    environment: [(&'static str, String); 2],
}

impl Shell {
    fn run(&self, arguments: &str) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_share-dispatcher"));
        command
            .args(arguments.split_whitespace())
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        let Output { status, stdout, stderr } = command.output().expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (status.code(), text(stdout), text(stderr))
    }

    /// What it prints when all is well.
    fn prints(&self, arguments: &str) -> String {
        let (code, stdout, stderr) = self.run(arguments);
        assert_eq!(code, Some(0), "{arguments}: {stdout}{stderr}");
        stdout
    }

    fn json(&self, arguments: &str) -> Value {
        let text = self.prints(arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments}: {error}: {text}"))
    }
}

async fn park(pool: &PgPool, id: &str, account: &str) {
    sqlx::query(
        r#"insert into parked (id, reason, detail, account, message_id, message_type, queue,
             exchange, routing_key, headers, body, first_arrived_at, parked_at)
           values ($1::uuid, 'no_publisher', E'steers \x1b[2J the terminal', $2, 'm',
             'ticket.share.v1', 'share-dispatcher', 'share', $2 || '.ticket.share',
             '{}', '{"ticket":{"subject":"SECRET"}}', now() - interval '3 hours',
             now() - interval '3 hours')"#,
    )
    .bind(id)
    .bind(account)
    .execute(pool)
    .await
    .expect("a row");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_replay_and_discard_parked_messages() {
    let world = TestEnvironment::new("dispatcher-operator").await;
    let database = world.database.service_url(Service::ShareDispatcher).expect("an address");
    let broker = world.installation.service_url(Service::ShareDispatcher).expect("an address");
    let shell = Shell {
        environment: [
            ("DESKMESH__DATABASE__URL", database.clone()),
            ("DESKMESH__BROKER__URL", broker),
        ],
    };
    shell.prints("migrate");
    let pool = PgPool::connect(&database).await.expect("the role can log in");
    park(&pool, FIRST, "acme").await;
    park(&pool, SECOND, "globex").await;

    looks(&shell);
    asks_before_it_acts(&shell);

    let done =
        shell.prints(&format!("parked discard {FIRST} --because unreadable --as anna --yes"));
    assert!(done.ends_with("1 of 1 discarded\n"), "{done}");
    let audit = shell.json("parked audit --json");
    assert_eq!(
        (&audit[0]["by"], &audit[0]["action"], &audit[0]["because"]),
        (&"anna".into(), &"discarded".into(), &"unreadable".into())
    );
    assert_eq!(audit.as_array().map(Vec::len), Some(1));
    assert_eq!(
        shell.json("parked audit --json --since 2999-01-01T00:00:00Z"),
        Value::Array(Vec::new())
    );
    let shown = shell.prints(&format!("parked show {FIRST}"));
    assert!(shown.contains("discarded, 2") && shown.contains("unreadable"), "{shown}");
    let (code, _, stderr) = shell.run(&format!("parked replay {FIRST} --yes"));
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("not parked"), "{stderr}");
    // Nobody published the other: it cannot be replayed, and that is no success.
    let (code, stdout, _) = shell.run("parked replay --all --yes --rate 100/s");
    assert_eq!(code, Some(1));
    assert!(stdout.ends_with("0 of 1 replayed; 1 left as they are\n"), "{stdout}");
    world.remove().await;
}

fn looks(shell: &Shell) {
    let list = shell.prints("parked list");
    assert!(
        list.contains(FIRST)
            && list.contains("no_publisher")
            && list.contains("parked messages: 2 of 2"),
        "{list}"
    );
    assert!(!list.contains("SECRET") && !list.contains('\u{1b}'), "{list}");
    for (filter, total) in [
        ("--account acme", 1),
        ("--reason no_publisher", 2),
        ("--reason poison", 0),
        ("--older-than 2h", 2),
        ("--newer-than 2h", 0),
        ("--older-than 2h --newer-than 1day --account globex", 1),
    ] {
        let list = shell.json(&format!("parked list --json {filter}"));
        assert_eq!(list["total"], total, "{filter}: {list}");
        assert_eq!(
            list["messages"].as_array().map(Vec::len),
            usize::try_from(total).ok(),
            "{filter}"
        );
    }
    assert_eq!(shell.json("parked summary --json")["parked"].as_array().map(Vec::len), Some(2));
    assert!(shell.prints("parked summary").contains("no delivery waits"));
    let shown = shell.prints(&format!("parked show {FIRST}"));
    assert!(
        shown.contains("31 bytes") && shown.contains("subject") && !shown.contains("SECRET"),
        "{shown}"
    );
    let shown = shell.json(&format!("parked show {FIRST} --json"));
    assert!(!shown.to_string().contains("SECRET"), "{shown}");
    assert!(shell.prints(&format!("parked show {FIRST} --body")).contains("SECRET"));
    assert!(
        shell.json(&format!("parked show {FIRST} --body --json"))["body"]["text"]
            .as_str()
            .is_some_and(|text| text.contains("SECRET"))
    );
    let (code, _, stderr) = shell.run("parked show 00000000-0000-0000-0000-000000000000");
    assert_eq!(code, Some(1));
    assert!(stderr.contains("no message was parked under the id"), "{stderr}");
}

fn asks_before_it_acts(shell: &Shell) {
    for unusable in [
        "parked replay",
        "parked replay --all --account acme",
        &format!("parked discard {FIRST}"),
        "parked discard --because x",
        "parked list --reason because",
        "parked list --older-than soon",
        "parked replay --all --rate 0",
        "replay",
        "replay --since yesterday",
        "replay --since 2026-01-02T00:00:00Z --until 2026-01-01T00:00:00Z",
    ] {
        let (code, stdout, stderr) = shell.run(unusable);
        assert_eq!(code, Some(2), "{unusable}: {stdout}{stderr}");
    }
    let plan = shell.prints("parked discard --account acme --because unreadable");
    assert!(
        plan.contains("closed; nobody is known")
            && plan.contains("parked messages that match: 1; nothing is done without --yes"),
        "{plan}"
    );
    let plan = shell.prints("replay --since 2026-01-01T00:00:00Z");
    assert!(plan.contains("0 outputs of 0 messages"), "{plan}");
    assert_eq!(shell.json("parked list --json")["total"], 2, "nothing was done");
    assert_eq!(shell.json("parked audit --json"), Value::Array(Vec::new()));
}
