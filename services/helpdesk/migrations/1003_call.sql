-- A telephone call behind a comment: its recording plays in this account alone (R-31), its transcript is text for all (R-34).
alter table comment add column call jsonb;
