-- Erasure of users, and sign-ups that never came back.

-- Since when nothing is taken for this user any more. The row stays: without keys, secrets and tickets it is an id and two times.
alter table users add column time_erased timestamptz;

-- One row for each user that was erased, during and after that: ids, times and a number.
create table erasures (
    erasure_id     uuid        not null, -- random: who has it may see the state
    user_id        uuid        not null,
    time_requested timestamptz not null default clock_timestamp(),
    quiet_at       timestamptz not null, -- until then a statement or a message from before may still arrive
    next_at        timestamptz not null default clock_timestamp(), -- when to look again
    tickets        bigint      not null default 0, -- removed so far
    time_completed timestamptz,
    constraint erasures_pk primary key (erasure_id),
    constraint erasures_user_uq unique (user_id),
    constraint erasures_user_fk foreign key (user_id) references users (user_id)
);

create index erasures_open_ix on erasures (next_at) where time_completed is null;
create index erasures_completed_ix on erasures (time_completed) where time_completed is not null;

-- Users of open sign-up whose key was never used. They become users with its first use, or are removed after a while.
create table sign_ups (
    user_id      uuid        not null,
    time_created timestamptz not null default clock_timestamp(),
    prefix       text        not null, -- as in api_keys
    hash         bytea       not null,
    constraint sign_ups_pk primary key (user_id)
) with (
    -- As many rows go as come.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, vacuum_index_cleanup = on,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);

create unique index sign_ups_prefix_ix on sign_ups (prefix);
