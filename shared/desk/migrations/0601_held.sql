-- no-transaction
-- Commands that the edge holds back: they are due when it says so, and later ones about the same ticket after them.
create index concurrently if not exists desk_outbox_held on desk_outbox (account, number) where due_at = 'infinity';
