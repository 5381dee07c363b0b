-- Mails that a rule writes: to whoever asked, or to the agent who works on the ticket. The rule may say something else since.
alter table mail
    add column text text,
    drop constraint mail_kind_check,
    add constraint mail_kind_check check (kind in ('confirm', 'opened', 'said', 'rule'));
