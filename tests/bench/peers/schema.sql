-- What a team's first version keeps for the same job: who shares what with whom, the inbox that makes a message count once,
-- the outbox, and what the two copies hold.
create table hop (share_id text primary key, ticket_id text not null, sender text not null, receiver text not null, live boolean not null);
create table ticket (share_id text primary key references hop, revision bigint not null);
create table inbox (stage text not null, message_id text not null, primary key (stage, message_id));
create table outbox (id bigint generated always as identity primary key, stage text not null, message_id text not null,
                     exchange text not null, routing_key text not null, message_type text not null, body text not null);
create table comment (comment_id text primary key, share_id text not null references hop, body text not null, revision bigint not null);
create table field (share_id text not null references hop, name text not null, value text not null, revision bigint not null,
                    primary key (share_id, name));
