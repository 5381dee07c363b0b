-- Of a message whose publisher is not known only the size and the SHA-256 of the body are kept: `body` is then empty.
-- The lock is short, but it would stop who waits behind it.
set local lock_timeout = '5s';

alter table parked add column body_bytes bigint;
alter table parked add column body_sha256 bytea;
