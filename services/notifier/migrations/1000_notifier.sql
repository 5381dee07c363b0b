-- One notice to one recipient, and what became of it. Made once per message and address; the mail loop takes what is pending and due.
-- It holds addresses of persons: rows that are not pending go away 31 days after they were made, when the journal has forgotten
-- their message too. The text of a comment goes as soon as its mail is sent.
create table notice (
    id uuid primary key,
    message_id text not null,
    recipient text not null,
    notice jsonb not null,
    state text not null check (state in ('pending', 'sent', 'suppressed', 'failed')),
    reason text,
    attempts integer not null default 0,
    next_attempt_at timestamptz,
    created_at timestamptz not null,
    sent_at timestamptz,
    check ((state = 'pending') = (next_attempt_at is not null)),
    check ((state = 'sent') = (sent_at is not null))
);

create index notice_due on notice (next_attempt_at) where state = 'pending';

create index notice_done on notice (created_at) where state <> 'pending';
