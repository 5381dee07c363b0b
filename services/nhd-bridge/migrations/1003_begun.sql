-- Whether a call was begun before: nobody knows whether the partner took it, where whoever made it died before it heard.
alter table call add column begun boolean not null default false;
