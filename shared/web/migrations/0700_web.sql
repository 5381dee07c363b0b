-- People who sign in, each of one account. An address is one person's within an account.
create table web_person (
    id uuid primary key,
    account text not null references desk_account,
    email text not null,
    name text not null,
    role text not null check (role in ('admin', 'agent', 'light_agent')),
    password text,
    language text,
    zone text,
    theme text,
    added_at timestamptz not null default now(),
    signed_in_at timestamptz,
    disabled_at timestamptz
);
create unique index web_person_email on web_person (account, lower(email));

-- Who is signed in. The token itself is the browser's alone: `hash` is its SHA-256.
create table web_session (
    hash bytea primary key,
    person uuid not null references web_person on delete cascade,
    started_at timestamptz not null default now(),
    seen_at timestamptz not null default now()
);
create index web_session_person on web_session (person);
create index web_session_oldest on web_session (started_at);

-- Links by which somebody signs in once and sets a password.
create table web_link (
    hash bytea primary key,
    person uuid not null references web_person on delete cascade,
    made_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index web_link_oldest on web_link (made_at);

-- Sign-ins that failed, by what they are counted for: a login from one place, a login, a place.
create table web_failure (
    counted text primary key,
    failures integer not null,
    since timestamptz not null default now()
);
create index web_failure_oldest on web_failure (since);
