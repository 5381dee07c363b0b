-- Who has the calls of an agreement wait: what the operator paused, the account cannot let go on. Where an older release paused,
-- it was the operator.
alter table agreement add column paused_by text check (paused_by in ('operator', 'account'));
