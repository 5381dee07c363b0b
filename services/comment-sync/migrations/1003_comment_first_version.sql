-- What each comment said when its author's account published it first: a hash of text and visibility, by which a repetition with another
-- text is told apart from one with the same. A row goes when its comment is redacted; comments from before have none.
create table comment_first_version (
  id text collate "C" not null,
  chain text collate "C" not null,
  account text not null,
  content_hash bytea not null,
  primary key (id, chain)
);
