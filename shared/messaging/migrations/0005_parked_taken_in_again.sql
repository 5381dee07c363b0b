-- An edge may publish to no queue that it reads: what it parked and a person replays is due here, and any replica takes it
-- in again. Moved on while one is at it.
set local lock_timeout = '5s';

alter table parked add column retake_at timestamptz;
create index parked_retake on parked (retake_at) where retake_at is not null;
