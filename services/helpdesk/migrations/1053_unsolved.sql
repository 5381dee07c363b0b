-- no-transaction
-- What people work on: each agent's own, and what nobody has taken yet.
create index concurrently if not exists ticket_unsolved on ticket (account, assignee, updated_at desc, number desc)
    where status in ('new', 'open', 'pending', 'hold');
