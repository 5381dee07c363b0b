-- Invites that the line refused, by the network address they came from: who guesses addresses is bounded by them too.
create table refused_invite (
    id bigint generated always as identity primary key,
    source text,
    at timestamptz not null default now()
);
create index refused_invite_oldest on refused_invite (at);
