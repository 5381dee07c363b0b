-- no-transaction
-- Views and searches that ask for a part of a subject go through no other tickets.
create index concurrently if not exists ticket_letters on ticket using gin (letters_of(subject)) with (fastupdate = off);
