-- The scripts of schema version 15, as they were before they became one. The tests upgrade a database that they made.

--- 0001_users_and_tickets.sql
-- The original system's tables, with proper types. "if not exists": an existing database keeps its rows.
create table if not exists users (
    user_id      uuid        not null,
    time_created timestamptz not null default clock_timestamp(),
    constraint users_pk primary key (user_id)
);

create table if not exists tickets (
    ticket_id     uuid        not null,
    user_id       uuid        not null,
    time_created  timestamptz not null default clock_timestamp(),
    time_finished timestamptz,
    response      text,
    constraint tickets_pk primary key (ticket_id),
    constraint tickets_user_fk foreign key (user_id) references users (user_id)
);

--- 0002_delivery.sql
-- What delivery needs to know of a ticket: where it is, under which lease, and when somebody must look at it.

create type ticket_status as enum (
    'queued',     -- waits in the backlog for room in the dispatch window
    'waiting',    -- waits for its next attempt after a failure
    'released',   -- handed to the broker, not known to run
    'running',    -- a worker said that it runs
    'succeeded', 'failed', 'timed_out', 'expired', 'canceled'
);

create function is_finished(status ticket_status) returns boolean
    language sql immutable parallel safe
    as $$ select status in ('succeeded', 'failed', 'timed_out', 'expired', 'canceled') $$;

create function is_leased(status ticket_status) returns boolean
    language sql immutable parallel safe
    as $$ select status in ('released', 'running') $$;

alter table tickets
    add column status         ticket_status not null default 'queued',
    add column model          text          not null default 'simulated',
    add column input          text,
    add column priority       smallint      not null default 1,  -- 0 low, 1 normal, 2 high
    add column queue_key      bigint,                            -- place in the backlog: smaller is sooner
    add column attempt        smallint      not null default 0,  -- charged attempts, the current one included
    add column max_attempts   smallint      not null default 3,
    add column epoch          integer       not null default 0,  -- counts releases; a report counts only under the current one
    add column lease_expires  timestamptz,                       -- in no index, so that a heartbeat is a HOT update
    add column expires_at     timestamptz,                       -- processing limit: ends unanswered
    add column due_at         timestamptz,                       -- when a sweep must look: expires_at, or the next attempt
    add column time_started   timestamptz,
    add column worker         text,
    add column error_type     text,
    add column error_message  text,
    add column report_pending boolean       not null default false; -- its message to "errors" is still to be sent

-- Rows of the original: finished ones ended as their times say, the others are looked at by the first sweep.
update tickets set
    expires_at = time_created + interval '5 minutes',
    due_at = time_created + interval '5 minutes',
    queue_key = 0,
    status = case
        when time_finished is null then 'queued'
        when response is not null and time_finished <= time_created + interval '5 minutes' then 'succeeded'
        else 'timed_out' end::ticket_status;

alter table tickets
    alter column expires_at set not null,
    alter column due_at set not null,
    alter column status drop default,
    add constraint tickets_finished_ck check (is_finished(status) = (time_finished is not null)),
    add constraint tickets_leased_ck check (is_leased(status) = (lease_expires is not null)),
    add constraint tickets_queued_ck check (status <> 'queued' or queue_key is not null),
    -- Two thirds full pages leave room beside a ticket for its finished version.
    set (fillfactor = 65, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05,
         autovacuum_analyze_scale_factor = 0.02);

-- All partial: their size follows what is open, not what was ever stored.
create index tickets_backlog_ix on tickets (queue_key, ticket_id) where status = 'queued';
create index tickets_flow_ix on tickets (user_id, priority, queue_key) where status = 'queued';
create index tickets_leased_ix on tickets (ticket_id) where status in ('released', 'running');
create index tickets_due_ix on tickets (due_at) where time_finished is null;
create index tickets_report_ix on tickets (ticket_id) where report_pending;

-- Attempts that did not end their ticket well, and reports that came too late. The last attempt is in the ticket's own row.
create table ticket_attempts (
    ticket_id     uuid        not null,
    epoch         integer     not null,
    outcome       text        not null, -- failed, worker_lost, late
    attempt       smallint    not null,
    worker        text,
    time_started  timestamptz,
    time_ended    timestamptz not null default clock_timestamp(),
    error_type    text,
    error_message text,
    constraint ticket_attempts_pk primary key (ticket_id, epoch, outcome),
    constraint ticket_attempts_ticket_fk foreign key (ticket_id) references tickets (ticket_id) on delete cascade
);

-- Who is there: the dispatch window follows the workers' slots and is shared among the Api replicas.
create table workers (
    worker    text        not null,
    slots     integer     not null,
    last_seen timestamptz not null,
    constraint workers_pk primary key (worker)
);

create table api_replicas (
    replica   uuid        not null,
    last_seen timestamptz not null,
    constraint api_replicas_pk primary key (replica)
);

-- An end is final, whatever the code does: the one change allowed is that its message to "errors" was sent,
-- and the one way back an explicit retry, by the next epoch, of a ticket that did not succeed.
create function refuse_change_of_finished_ticket() returns trigger
    language plpgsql as $$
begin
    if old.status <> 'succeeded' and new.status = 'queued' and new.epoch > old.epoch then
        return new;
    end if;
    if old.report_pending and not new.report_pending then
        old.report_pending := false;
        if old is not distinct from new then
            return new;
        end if;
    end if;
    raise exception 'ticket % has ended and cannot change', old.ticket_id
        using errcode = 'integrity_constraint_violation', constraint = 'tickets_finished_is_final';
end
$$;

create trigger tickets_finished_is_final
    before update on tickets
    for each row when (old.time_finished is not null)
    execute function refuse_change_of_finished_ticket();

--- 0003_api_keys.sql
-- Who may act for a user. A key's secret part is nowhere: the hash of the whole key proves it.
create table api_keys (
    prefix         text        not null, -- the key's first characters: its name in lists, and how it is found
    user_id        uuid        not null,
    hash           bytea       not null, -- SHA-256 of the whole key
    time_created   timestamptz not null default clock_timestamp(),
    time_last_used timestamptz,          -- to the hour
    time_revoked   timestamptz,
    constraint api_keys_pk primary key (prefix),
    constraint api_keys_user_fk foreign key (user_id) references users (user_id) on delete cascade
);

create index api_keys_user_ix on api_keys (user_id);

--- 0004_policies.sql
-- What a ticket was submitted with. Null: the settings decide, as for every ticket of the original API.
alter table tickets
    add column queue_ttl_s         integer, -- creation, or retry, to start
    add column execution_timeout_s integer, -- one run
    add column deadline_s          integer; -- creation, or retry, to finish

--- 0005_canceling_status.sql
-- A ticket whose worker was told to stop. In a step of its own: a new word can be used only once it is committed.
alter type ticket_status add value 'canceling' after 'running';

--- 0006_models.sql
-- Several models, each with what it is asked, how far its runs are and what they answered beside the response.

alter table tickets add column response_details text; -- what else the model said of its answer: a JSON object

-- What each worker serves: {"model": slots, …}. Slots are their sum.
alter table workers add column models jsonb not null default '{}';

-- Models that workers have served lately. One stays known for seven days after the last worker that did.
create table models (
    name                 text        not null,
    description          text        not null,
    input_required       boolean     not null,
    max_input_characters integer     not null,
    largest_batch        integer     not null,
    last_seen            timestamptz not null,
    constraint models_pk primary key (name)
);

-- How far runs are; gone some minutes after their ticket's end. Numbered by the worker, so that a repeated report adds nothing.
create table ticket_progress (
    ticket_id     uuid        not null,
    epoch         integer     not null, -- of the run
    seq           integer     not null, -- from 1 in each run
    time_reported timestamptz not null default clock_timestamp(),
    fraction      real,                 -- from 0 to 1, if known
    text          text,                 -- what the answer has grown by
    constraint ticket_progress_pk primary key (ticket_id, epoch, seq),
    constraint ticket_progress_ticket_fk foreign key (ticket_id) references tickets (ticket_id) on delete cascade
);

-- Each model has its own backlog, in an order of its own, and its own window.
drop index tickets_backlog_ix;
create index tickets_backlog_ix on tickets (model, queue_key, ticket_id) where status = 'queued';
drop index tickets_flow_ix;
create index tickets_flow_ix on tickets (model, user_id, priority, queue_key) where status = 'queued';

drop index tickets_leased_ix;
create index tickets_in_flight_ix on tickets (user_id, ticket_id) include (model) where status in ('released', 'running', 'canceling');

-- Nearly always empty: those whose workers are told again and again to stop.
create index tickets_canceling_ix on tickets (ticket_id) where status = 'canceling';

-- A ticket that is being canceled keeps its lease until its worker has stopped it, or is lost.
create or replace function is_leased(status ticket_status) returns boolean
    language sql immutable parallel safe
    as $$ select status in ('released', 'running', 'canceling') $$;

--- 0007_webhooks.sql
-- Webhooks: what to tell a ticket's user when it starts and ends, and the deliveries that are still to be made.

-- No rewrite of the table, and no byte for tickets without one.
alter table tickets
    add column webhook_url    text,
    add column webhook_events smallint, -- 1 started, 2 finished; added up
    add constraint tickets_webhook_ck check ((webhook_url is null) = (webhook_events is null));

create table webhook_deliveries (
    delivery_id  uuid        not null, -- the receiver's "webhook-id": the same for every attempt
    sequence     bigint      not null generated always as identity, -- order for a ticket
    ticket_id    uuid        not null,
    user_id      uuid        not null,
    host         text        not null collate "C", -- with its port, as in the URL
    event        text        not null,
    time_created timestamptz not null default now(),
    ticket       jsonb       not null, -- the row as the event left it, without content that is too large to send
    attempts     smallint    not null default 0,
    tries        smallint    not null default 0, -- attempts since its creation or last replay: the place in the schedule
    due_at       timestamptz default now(),      -- the next attempt; while one is in progress, when it counts as lost
    outcome      text,                           -- delivered, dead
    time_ended   timestamptz,
    constraint webhook_deliveries_pk primary key (delivery_id),
    constraint webhook_deliveries_ticket_fk foreign key (ticket_id) references tickets (ticket_id) on delete cascade,
    constraint webhook_deliveries_outcome_ck check (outcome in ('delivered', 'dead')),
    constraint webhook_deliveries_ended_ck check ((outcome is null) = (due_at is not null) and (outcome is null) = (time_ended is null))
);

create index webhook_deliveries_due_ix on webhook_deliveries (host, due_at) where due_at is not null;
create index webhook_deliveries_ticket_ix on webhook_deliveries (ticket_id, sequence);
create index webhook_deliveries_dead_ix on webhook_deliveries (user_id, sequence) where outcome = 'dead';
create index webhook_deliveries_ended_ix on webhook_deliveries (time_ended) where time_ended is not null;

create table webhook_attempts (
    delivery_id uuid        not null,
    attempt     smallint    not null,
    time_ended  timestamptz not null default now(),
    duration_ms integer     not null,
    status_code smallint,
    error       text,
    constraint webhook_attempts_pk primary key (delivery_id, attempt),
    constraint webhook_attempts_delivery_fk foreign key (delivery_id) references webhook_deliveries (delivery_id) on delete cascade
);

-- A user's signing secrets: the current one, and while they rotate the one before it.
create table webhook_secrets (
    secret_id    uuid        not null,
    user_id      uuid        not null,
    secret       bytea       not null, -- sealed, if Webhooks:SecretKey is set
    time_created timestamptz not null default now(),
    time_expires timestamptz, -- null: the current one
    constraint webhook_secrets_pk primary key (secret_id),
    constraint webhook_secrets_user_fk foreign key (user_id) references users (user_id) on delete cascade
);

create unique index webhook_secrets_current_ix on webhook_secrets (user_id) where time_expires is null;
create index webhook_secrets_user_ix on webhook_secrets (user_id);

-- Endpoints that answered 410: nothing is sent there until their user says so.
create table webhook_endpoints_off (
    user_id  uuid        not null,
    url      text        not null,
    time_off timestamptz not null default now(),
    constraint webhook_endpoints_off_pk primary key (user_id, url),
    constraint webhook_endpoints_off_user_fk foreign key (user_id) references users (user_id) on delete cascade
);

create function webhook_event(status ticket_status) returns smallint
    language sql immutable parallel safe
    as $$ select case when status = 'running' then 1 when is_finished(status) then 2 else 0 end::smallint $$;

-- One place for all that starts or ends a ticket, in the same transaction. A ticket's row is locked, so that the
-- sequence of its deliveries is the order of its events.
create function create_webhook_delivery() returns trigger
    language plpgsql as $$
begin
    insert into webhook_deliveries (delivery_id, ticket_id, user_id, host, event, ticket)
    values (
        gen_random_uuid(), new.ticket_id, new.user_id, coalesce(substring(new.webhook_url from '^https?://([^/?#]+)'), ''),
        case webhook_event(new.status) when 1 then 'ticket.started' else 'ticket.finished' end,
        to_jsonb(new) - 'webhook_url' - case
            when coalesce(octet_length(new.input), 0) + coalesce(octet_length(new.response), 0) > 16384 then '{input,response}'
            else '{}' end::text[]);
    return null;
end
$$;

-- Looked at only where a statement sets the status, and over at once for a ticket without webhook.
create trigger tickets_webhook
    after update of status on tickets
    for each row when (new.webhook_events is not null and new.status <> old.status and new.webhook_events & webhook_event(new.status) <> 0)
    execute function create_webhook_delivery();

--- 0008_lists_and_changes.sql
-- A user's tickets in the order of their ids, which are UUIDv7, are in that of time. One index over all would be written at each step
-- of a ticket; these two and that of tickets in flight are written once where no ticket waits, when it ends.
create index tickets_user_ended_ix on tickets (user_id, ticket_id) where time_finished is not null;
create index tickets_user_waiting_ix on tickets (user_id, ticket_id) where status in ('queued', 'waiting');

-- The log of ends. Transactions commit in another order than they begin, so that no clock and no sequence orders what a reader has
-- already seen; but everything below the oldest transaction that still runs is there for good. Null: not ended, or ended before this column.
alter table tickets add column finished_xid xid8;

create function note_end_of_ticket() returns trigger
    language plpgsql as $$
begin
    new.finished_xid := pg_current_xact_id();
    return new;
end
$$;

-- Here and not in the statements that end tickets, so that none can forget it.
create trigger tickets_end_is_logged
    before update on tickets
    for each row when (old.time_finished is null and new.time_finished is not null)
    execute function note_end_of_ticket();

create index tickets_ended_ix on tickets (finished_xid, ticket_id) where finished_xid is not null;

--- 0009_idempotency_keys.sql
-- Keys by which a repeated submission is known. In the order of their tickets' ids they are in that of time.
create table idempotency_keys (
    user_id   uuid  not null,
    key       text  not null,
    body_hash bytea not null, -- SHA-256 of the request's body
    ticket_id uuid  not null,
    constraint idempotency_keys_pk primary key (user_id, key),
    constraint idempotency_keys_ticket_fk foreign key (ticket_id) references tickets (ticket_id) on delete cascade
);

create index idempotency_keys_ticket_ix on idempotency_keys (ticket_id);

--- 0010_trace_context.sql
-- The W3C "traceparent" of the request that made a ticket, so that a later attempt belongs to the same trace. Null if it is not traced.
alter table tickets add column trace_parent text;

--- 0011_totals.sql
-- How many tickets ended in each state, counted from the log of ends, since counting all that are stored takes longer the more there are.
create table ticket_totals (
    model  text          not null,
    status ticket_status not null,
    ended  bigint        not null,
    constraint ticket_totals_pk primary key (model, status)
);

-- One row: everything below is counted.
create table ticket_totals_position (
    only_row   boolean not null default true,
    counted_to xid8    not null,
    constraint ticket_totals_position_pk primary key (only_row),
    constraint ticket_totals_position_ck check (only_row)
);

insert into ticket_totals_position (counted_to) values ('0');

--- 0012_operations.sql
-- One row while dispatching is paused. In the database, so that every replica obeys.
create table dispatch_pause (
    paused      boolean     not null default true,
    time_paused timestamptz not null default clock_timestamp(),
    constraint dispatch_pause_pk primary key (paused),
    constraint dispatch_pause_one_ck check (paused)
);

-- What an administrator may want to retry or remove. Tickets that succeed are never in it.
create index tickets_dead_ix on tickets (ticket_id) where status in ('failed', 'timed_out', 'expired');

--- 0013_cheaper_checks.sql
-- The same checks without functions: the server would parse a function's body again for every statement that writes a ticket.
alter table tickets
    drop constraint tickets_finished_ck,
    drop constraint tickets_leased_ck,
    add constraint tickets_finished_ck
        check ((status in ('succeeded', 'failed', 'timed_out', 'expired', 'canceled')) = (time_finished is not null)),
    add constraint tickets_leased_ck
        check ((status in ('released', 'running', 'canceling')) = (lease_expires is not null));

drop trigger tickets_webhook on tickets;
create trigger tickets_webhook
    after update of status on tickets
    for each row when (
        new.webhook_events is not null and new.status <> old.status
        and (new.webhook_events & 1 <> 0 and new.status = 'running' or new.webhook_events & 2 <> 0 and new.time_finished is not null))
    execute function create_webhook_delivery();

drop function is_leased(ticket_status);

--- 0014_dispatch_virtual_time.sql
-- Up to which key each model's backlog was released, where users' running tickets are limited: the head of the backlog may then be of a
-- user who must wait, and says no longer where a newcomer's place is.
create table dispatch_virtual_time (
    model     text   not null,
    queue_key bigint not null,
    constraint dispatch_virtual_time_pk primary key (model)
);

--- 0015_vacuum_by_number.sql
-- Autovacuum by numbers of rows. A fraction of a table that grows for years lets ever more dead rows and index entries pile up between two runs,
-- and every look-up by an index passes those that are in its way. A row more or less: a minute of the heaviest load that one database takes, so that
-- a run is due about as often as autovacuum looks; a quiet table is not touched for days.

-- A ticket leaves one or two dead versions on its way. "vacuum_index_cleanup": a run over a table of which few pages changed would else leave
-- the indexes as they are. Rows that were only inserted have nothing to clean; they are looked at to be frozen.
alter table tickets set (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000, vacuum_index_cleanup = on,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 100000);

-- Written and gone within minutes: as many rows die as are inserted.
alter table ticket_progress set (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, vacuum_index_cleanup = on,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);

-- Claimed, moved on and ended by an index over what is due.
alter table webhook_deliveries set (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, vacuum_index_cleanup = on,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 100000);

-- Inserted once, and removed with their tickets.
alter table ticket_attempts set (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);
alter table webhook_attempts set (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);
alter table idempotency_keys set (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000, vacuum_index_cleanup = on,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);
alter table users set (
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);

-- A few rows that change several times a second. Free space in their pages makes that HOT updates, which need neither index entry nor vacuum.
alter table workers set (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
alter table api_replicas set (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
alter table models set (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
alter table dispatch_virtual_time set (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
alter table ticket_totals set (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
alter table ticket_totals_position set (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- Programs of older releases run on newer schemas, while an upgrade rolls and after one was taken back. A migration that ends this for programs that
-- know less than version N sets it to N in its own row's update: update schema_migrations set oldest_program = N.
alter table schema_migrations add column oldest_program integer not null default 1;
