-- Redactions that a copy missed while it was in no live share: what it is told when it comes into one again. Then the row goes.
create table missed_redaction (
  chain text collate "C" not null references chain (id),
  comment_id text collate "C" not null,
  -- Which copy missed it.
  copy text collate "C" not null,
  -- Only this file of the comment.
  attachment_id text,
  unique nulls not distinct (chain, comment_id, copy, attachment_id)
);
