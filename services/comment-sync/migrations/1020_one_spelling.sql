-- A UUID and 40 hex digits are the same in either case, and are kept in lower case from now on: ids that came in upper case before follow.
-- Few rows, if any, and each locked as a row. Where both spellings of one id are there, they stay two: the one in lower case counts.
set local lock_timeout = '5s';

update comment set id = lower(id), content = jsonb_set(content, '{id}', to_jsonb(lower(id)))
where id ~ '[A-F]' and id ~ '^([a-z0-9][a-z0-9-]{1,38}/)?([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{40})$'
and not exists (
  select from comment as twin where twin.chain = comment.chain and twin.id <> comment.id and lower(twin.id) = lower(comment.id)
);

update redaction set comment_id = lower(comment_id)
where comment_id ~ '[A-F]' and comment_id ~ '^([a-z0-9][a-z0-9-]{1,38}/)?([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{40})$'
and not exists (
  select from redaction as twin where twin.chain = redaction.chain and twin.comment_id <> redaction.comment_id
  and lower(twin.comment_id) = lower(redaction.comment_id)
);

update redaction set attachment_id = lower(attachment_id)
where attachment_id ~ '[A-F]' and attachment_id ~ '^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{40})$'
and not exists (
  select from redaction as twin where twin.chain = redaction.chain and twin.comment_id = redaction.comment_id
  and twin.attachment_id <> redaction.attachment_id and lower(twin.attachment_id) = lower(redaction.attachment_id)
);

update missed_redaction set comment_id = lower(comment_id)
where comment_id ~ '[A-F]' and comment_id ~ '^([a-z0-9][a-z0-9-]{1,38}/)?([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{40})$'
and not exists (
  select from missed_redaction as twin where twin.chain = missed_redaction.chain and twin.comment_id <> missed_redaction.comment_id
  and lower(twin.comment_id) = lower(missed_redaction.comment_id)
);

update missed_redaction set attachment_id = lower(attachment_id)
where attachment_id ~ '[A-F]' and attachment_id ~ '^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{40})$'
and not exists (
  select from missed_redaction as twin where twin.chain = missed_redaction.chain and twin.comment_id = missed_redaction.comment_id
  and twin.attachment_id <> missed_redaction.attachment_id and lower(twin.attachment_id) = lower(missed_redaction.attachment_id)
);
