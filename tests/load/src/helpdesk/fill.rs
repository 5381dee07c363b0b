//! An account that has worked for a year, made by SQL: its tickets with what was said on them, its
//! people, rules and shares.

use anyhow::{Context, Result};
use serde_json::json;
use sqlx::PgPool;

/// Whose tickets these are.
pub const ACCOUNT: &str = "helpdesk-acme";
/// Organisations that send tickets and take them.
pub const PARTNERS: u128 = 5;
/// Tickets on which much was said: the newest.
pub const BUSY: i64 = 20;
/// What the trigger adds to each ticket that comes.
const TAG: &str = "came_in";
/// How many it has changed.
pub const CHANGED: &str = "select count(*) from ticket where tags @> array['came_in']";

/// The agreement under which a partner sends, or takes.
pub fn agreement(partner: u128, sends: bool) -> String {
    uuid(0xa, partner * 2 + u128::from(sends)).to_string()
}

pub fn partner(number: u128) -> String {
    format!("partner-{number}")
}

/// The token of an agent's session.
pub fn token(agent: usize) -> String {
    format!("{agent:064x}")
}

fn uuid(kind: u128, number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(0x0b9f_0a52_7c1e_4d9a_9a36_0000_0000_0000 + (kind << 32) + number)
}

/// The views of the account's own: some by what an index finds, some by what none does.
pub fn views() -> Vec<(String, serde_json::Value)> {
    let unsolved = json!({ "on": "status", "op": "below", "value": "solved" });
    let when = |all: serde_json::Value| json!({ "all": all });
    [
        when(json!([unsolved, { "on": "tags", "op": "includes_any", "value": "hall" }])),
        when(json!([{ "on": { "field": "model" }, "op": "is", "value": "lx_7" }])),
        when(json!([unsolved, { "on": "subject_text", "op": "contains", "value": "leak" }])),
        when(json!([{ "on": "status", "op": "is", "value": "pending" },
            { "on": "sent_to", "op": "is", "value": "any" }])),
        // It has no ticket at all: whoever looks for one has to look at all of them.
        when(json!([{ "on": "subject_text", "op": "contains", "value": "quartz" }])),
    ]
    .into_iter()
    .zip(0..)
    .map(|(when, number)| (uuid(0xb, number).to_string(), when))
    .collect()
}

/// One trigger changes each ticket that comes, one those of a subject; the others look on.
fn triggers() -> Vec<serde_json::Value> {
    let created = json!({ "on": "ticket", "op": "is", "value": "created" });
    let came = json!({ "on": "received_from", "op": "is", "value": "any" });
    let subject = |word: &str| json!({ "on": "subject_text", "op": "contains", "value": word });
    let group = uuid(0xd, 1).to_string();
    let mut triggers = vec![
        json!({ "all": [created, came], "actions": [{ "do": "add_tags", "value": TAG },
            { "do": "group", "value": group }] }),
        json!({ "all": [created, subject("pump")], "actions": [
            { "do": "status", "value": "pending" }] }),
    ];
    triggers.extend((0..8).map(|number| {
        json!({ "all": [subject(&format!("nobody says {number}"))],
            "actions": [{ "do": "add_tags", "value": "never" }] })
    }));
    triggers
}

/// `$1` the account, `$2` how many tickets, `$3` how many agents. A fifth of what is new is solved,
/// of what is older almost everything.
const TICKETS: &str = "
    insert into ticket (account, number, subject, status, group_id, assignee, requester,
        requester_name, channel, updated_via, tags, fields, received_from, sent_to,
        created_at, updated_at, changed_at)
    select $1, number,
        (array['The meter goes dark', 'The pump leaks', 'No invoice came', 'A relay hums',
            'The door does not open', 'Login is refused', 'A delivery is late'])[1 + number % 7]
            || ' in hall ' || number % 97,
        case when age < $2 / 20
                then (array['new', 'open', 'open', 'pending', 'hold', 'solved'])[1 + number * 7 % 6]
            when age < $2 / 5 then
                (array['open', 'solved', 'solved', 'solved', 'solved', 'solved', 'solved',
                    'solved', 'pending', 'closed'])[1 + number * 3 % 10]
            when number % 150 = 0 then 'hold' else 'closed' end,
        ('0b9f0a52-7c1e-4d9a-9a36-000d' || lpad(to_hex(number % 10), 8, '0'))::uuid,
        case when number % 8 > 0 then
            ('0b9f0a52-7c1e-4d9a-9a36-000c'
                || lpad(to_hex(number * 31 % $3), 8, '0'))::uuid end,
        'p' || number % 20000, 'Robin Vale ' || number % 20000,
        case when number % 10 = 1 then 'sharing' else 'agent' end,
        case when number % 10 = 1 then 'sharing' else 'agent' end,
        array['kind_' || number % 40, case when number % 60 = 0 then 'hall' else 'plain' end],
        jsonb_build_object('model', 'lx_' || number % 100, 'bay', 'B' || number % 12),
        case when number % 10 = 1 then 'partner-' || number / 10 % 5 end,
        case when number % 10 = 2 then 'partner-' || number / 10 % 5 end,
        now() - (age + 1) * interval '5 minutes', now() - (age + 1) * interval '4 minutes',
        now() - (age + 1) * interval '4 minutes'
    from (select number, $2 - number as age from generate_series(1, $2::bigint) number) made";

/// One comment each, two more of every third, fifty of those on which much was said.
const COMMENTS: &str = "
    insert into comment (account, ticket, id, author_id, author_name, author_role, public, body, at)
    select $1, number, 'c-' || number || '-' || place,
        case when place % 2 = 1 then requester else assignee::text end,
        case when place % 2 = 1 then requester_name else 'Agent' end,
        case when place % 2 = 1 then 'end_user' else 'agent' end, place % 3 > 0,
        'This is what was said as number ' || place || ': the display goes dark after an hour, '
            || 'and comes back when the mains are switched. We have looked at the fuses, the relay '
            || 'and the cable to the cabinet k' || number % 997 || '.',
        created_at + place * interval '1 minute'
    from ticket cross join lateral generate_series(1,
        case when number > $2 - $3 then 50 when number % 3 = 0 then 3 else 1 end) place
    where account = $1 and (place % 2 = 1 or assignee is not null)";

const EVENTS: &str = "
    insert into event (account, ticket, at, actor, kind, detail)
    select $1, number, created_at + interval '2 minutes', 'Agent', 'status',
        '{\"from\": \"new\", \"to\": \"open\"}'
    from ticket where account = $1 and number % 3 = 0";

const HELD: &str = "
    insert into desk_ticket (id, account, number, held)
    select gen_random_uuid(), $1, number::text, jsonb_build_object('number', number::text,
        'head', jsonb_build_object('original_ticket_id', (number * 7)::text))
    from ticket where account = $1 and (received_from is not null or sent_to is not null)";

/// `$2` partners, `$3` sides, `$4` agreements.
const SHARES: &str = "
    insert into desk_share (account, share_id, ticket, agreement_id, side, partner,
        partner_ticket_id, started_at)
    select $1, gen_random_uuid()::text, held.id, agreed.agreement, agreed.side, agreed.partner,
        (ticket.number * 7)::text, ticket.created_at
    from desk_ticket held
    join ticket on ticket.account = held.account and ticket.number::text = held.number
    join unnest($2::text[], $3::text[], $4::text[]) agreed (partner, side, agreement)
        on agreed.partner = case agreed.side when 'receiver' then ticket.received_from
            else ticket.sent_to end
    where held.account = $1";

/// `$2` how many. The first is an admin.
const AGENTS: [&str; 2] = [
    "insert into web_person (id, account, email, name, role)
     select ('0b9f0a52-7c1e-4d9a-9a36-000c' || lpad(to_hex(number), 8, '0'))::uuid, $1,
         'agent' || number || '@acme.example', 'Agent ' || number,
         case when number = 0 then 'admin' else 'agent' end
     from generate_series(0, $2::bigint - 1) number",
    "insert into web_session (hash, person)
     select sha256(convert_to(lpad(to_hex(number), 64, '0'), 'UTF8')),
         ('0b9f0a52-7c1e-4d9a-9a36-000c' || lpad(to_hex(number), 8, '0'))::uuid
     from generate_series(0, $2::bigint - 1) number where $1 <> ''",
];

/// Once each, for `$1` the account.
const ONCE: [&str; 3] = [
    "insert into person (account, id, name, email)
     select $1, 'p' || number, 'Robin Vale ' || number, 'robin' || number || '@customer.example'
     from generate_series(0, 19999) number",
    "insert into agent_group (account, id, name)
     select $1, ('0b9f0a52-7c1e-4d9a-9a36-000d' || lpad(to_hex(number), 8, '0'))::uuid,
         'Group ' || number from generate_series(0, 9) number",
    "insert into ticket_field (account, key, title, type, position)
     select $1, key, key, 'text', place from (values ('model', 1), ('bay', 2)) field (key, place)",
];

/// Fills the account, which is kept already.
///
/// # Errors
/// The database.
pub async fn fill(pool: &PgPool, tickets: i64, agents: i64) -> Result<()> {
    for statement in AGENTS {
        run(sqlx::query(statement).bind(ACCOUNT).bind(agents), pool).await?;
    }
    for statement in ONCE {
        run(sqlx::query(statement).bind(ACCOUNT), pool).await?;
    }
    run(sqlx::query(TICKETS).bind(ACCOUNT).bind(tickets).bind(agents), pool).await?;
    let number = "insert into ticket_number (account, next) values ($1, $2)";
    run(sqlx::query(number).bind(ACCOUNT).bind(tickets + 1), pool).await?;
    run(sqlx::query(COMMENTS).bind(ACCOUNT).bind(tickets).bind(BUSY), pool).await?;
    run(sqlx::query(EVENTS).bind(ACCOUNT), pool).await?;
    run(sqlx::query(HELD).bind(ACCOUNT), pool).await?;
    let agreed = (0..PARTNERS).flat_map(|number| {
        [true, false].map(|sends| {
            let side = if sends { "receiver" } else { "sender" };
            (partner(number), side.to_owned(), agreement(number, sends))
        })
    });
    let (mut partners, mut sides, mut agreements) = (Vec::new(), Vec::new(), Vec::new());
    for (partner, side, agreement) in agreed {
        partners.push(partner);
        sides.push(side);
        agreements.push(agreement);
    }
    let shares = sqlx::query(SHARES).bind(ACCOUNT).bind(partners).bind(sides).bind(agreements);
    run(shares, pool).await?;
    let rules = views().into_iter().map(|(id, when)| ("view", id, when));
    let triggers = triggers().into_iter().zip(0..);
    let triggers = triggers.map(|(says, at)| ("trigger", uuid(0xe, at).to_string(), says));
    for (place, (kind, id, definition)) in rules.chain(triggers).enumerate() {
        let statement =
            "insert into rule (account, id, kind, name, position, definition, changed_by)
            values ($1, $2::uuid, $3, $4, $5, $6, 'load')";
        let name = format!("{kind} {place}");
        let rule = sqlx::query(statement).bind(ACCOUNT).bind(id).bind(kind).bind(name);
        run(rule.bind(i32::try_from(place)?).bind(definition), pool).await?;
    }
    // As the server does by itself before long.
    for table in ["ticket", "comment", "event", "desk_ticket", "desk_share", "person"] {
        let vacuum = sqlx::AssertSqlSafe(format!("vacuum (analyze) {table}"));
        run(sqlx::query(vacuum), pool).await?;
    }
    Ok(())
}

type Query<'a> = sqlx::query::Query<'a, sqlx::Postgres, sqlx::postgres::PgArguments>;

async fn run(query: Query<'_>, pool: &PgPool) -> Result<()> {
    query.execute(pool).await.context("filling the help desk's tables").map(drop)
}
