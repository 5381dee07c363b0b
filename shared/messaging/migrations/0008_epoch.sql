-- Which recovery of the deployment was the last one: one row once there was one.
create table epoch (
  singleton boolean primary key default true check (singleton),
  epoch smallint not null
);
