-- What accounts uploaded. A row is there before its first byte and after its last, so that nothing lies in the store that no row
-- names. `size` is what it may take while it arrives, and its length from then on. The link's capability is told once and never
-- kept: `capability` is its SHA-256. Once `taken_at` is set the link answers like an unknown one; bytes and row go soon after.
create table file (
    id uuid primary key,
    account text not null references desk_account,
    filename text not null,
    content_type text not null,
    size bigint not null,
    sha256 bytea,
    capability bytea unique,
    created_at timestamptz not null default now(),
    arrived_at timestamptz,
    linked_at timestamptz,
    taken_at timestamptz
);
create index file_account on file (account, created_at, id);
create index file_unlinked on file (created_at) where linked_at is null and taken_at is null;
create index file_taken on file (taken_at) where taken_at is not null;

-- Which attachments of own comments name a file, by which a redaction finds it.
create table file_link (
    account text not null,
    comment text not null,
    attachment text not null,
    file uuid not null references file on delete cascade,
    primary key (account, comment, attachment, file)
);
create index file_link_file on file_link (file);
