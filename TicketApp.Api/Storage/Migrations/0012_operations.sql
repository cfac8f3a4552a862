-- One row while dispatching is paused. In the database, so that every replica obeys.
create table dispatch_pause (
    paused      boolean     not null default true,
    time_paused timestamptz not null default clock_timestamp(),
    constraint dispatch_pause_pk primary key (paused),
    constraint dispatch_pause_one_ck check (paused)
);

-- What an administrator may want to retry or remove. Tickets that succeed are never in it.
create index tickets_dead_ix on tickets (ticket_id) where status in ('failed', 'timed_out', 'expired');
