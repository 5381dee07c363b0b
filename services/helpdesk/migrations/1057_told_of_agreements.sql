-- no-transaction
-- The last that an account was told of agreements, for whoever has a page open: among a million entries few are.
create index concurrently if not exists desk_log_agreements on desk_log (account, position) where type like 'agreement.%';
