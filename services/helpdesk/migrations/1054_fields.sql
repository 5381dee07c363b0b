-- no-transaction
-- By which views find what a custom field says. Each row is put in place at once: nobody waits for those that are not yet.
create index concurrently if not exists ticket_fields on ticket using gin (fields jsonb_path_ops) with (fastupdate = off);
