-- no-transaction
create index concurrently if not exists journal_oldest on journal (decided_at);
