-- Files of what was asked and is not confirmed yet: they go like any that no comment has, and the rest of the request stays.
alter table unconfirmed_request add column attachments jsonb not null default '[]';
