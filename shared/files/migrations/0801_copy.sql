-- Files that lie elsewhere and that a command names: each is copied before the command is sent. `due_at` is null once that has
-- come to an end; then `url` is too, and either `file` is the copy or `failure` says why there is none.
create table file_copy (
    command bigint not null references desk_outbox (number) on delete cascade,
    place integer not null,
    account text not null,
    comment text not null,
    attachment text not null,
    url text,
    filename text not null,
    content_type text,
    attempts integer not null default 0,
    due_at timestamptz default now(),
    lease uuid,
    leased_until timestamptz not null default '-infinity',
    file uuid references file on delete set null,
    failure text,
    detail text,
    primary key (command, place)
);
create index file_copy_due on file_copy (due_at) where due_at is not null;
create index file_copy_comment on file_copy (account, comment);
create index file_copy_file on file_copy (file) where file is not null;
