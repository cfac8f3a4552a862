-- The schema. Times are the database's own; ids are UUIDs of version 7, whose order is that of time. All indexes of tickets but the
-- primary key are partial: their size follows the open tickets, not all that are stored.
--
-- Autovacuum counts rows on the tables that grow. A fraction of a table that grows for years would let ever more dead rows and index
-- entries pile up between two runs, and every look-up by an index passes those in its way. The thresholds are about a minute of the
-- heaviest load that one database takes, which is as often as autovacuum looks; a quiet table is not touched for days.
-- "vacuum_index_cleanup = on": a run over a table with few changed pages would otherwise leave the indexes as they are.

-- A database of the original system keeps its rows: its tables step aside here, and the end of this script copies them.
create schema original_system;
alter table if exists users set schema original_system;
alter table if exists tickets set schema original_system;


-- Users and keys

create table users (
    user_id      uuid        not null,
    time_created timestamptz not null default clock_timestamp(),
    constraint users_pk primary key (user_id)
) with (
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);

-- Who may act for a user. The secret part of a key is not stored: the hash of the whole key proves it.
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


-- Tickets

create type ticket_status as enum (
    'queued',     -- waits in the backlog for capacity in the dispatch window
    'retryable',  -- waits for its next attempt after a failure
    'dispatched', -- handed to the broker, not known to run
    'running',    -- a worker said that it runs
    'canceling',  -- its user canceled it while it ran; its worker is told to stop, and it keeps its lease until that is done
    'succeeded', 'failed', 'timed_out', 'expired', 'canceled'
);

create table tickets (
    ticket_id           uuid          not null,
    user_id             uuid          not null,
    time_created        timestamptz   not null default clock_timestamp(),
    time_finished       timestamptz,                          -- set exactly in the final states
    response            text,

    -- Delivery: where the ticket is, under which lease, and when somebody must look at it.
    status              ticket_status not null,
    model               text          not null default 'simulated',
    input               text,
    priority            smallint      not null default 1,     -- 0 low, 1 normal, 2 high
    queue_key           bigint,                               -- position in the backlog: smaller is sooner
    attempt             smallint      not null default 0,     -- charged attempts, the current one included
    max_attempts        smallint      not null default 3,
    epoch               integer       not null default 0,     -- counts dispatches; a report counts only under the current one
    lease_expires       timestamptz,                          -- in no index, so that a heartbeat is a HOT update
    expires_at          timestamptz   not null,               -- the deadline: ends unanswered
    due_at              timestamptz   not null,               -- when the rescuer must look: at a limit, or at the end of a pause
    time_started        timestamptz,                          -- of the current run
    worker              text,                                 -- that has or had the run
    error_type          text,                                 -- of the last attempt that failed
    error_message       text,
    report_pending      boolean       not null default false, -- its message to "errors" is still to be sent

    -- What it was submitted with. Null: the settings decide, as for every ticket of the original API.
    queue_ttl_s         integer,                              -- creation, or retry, to start
    execution_timeout_s integer,                              -- one run
    deadline_s          integer,                              -- creation, or retry, to finish

    response_details    text,                                 -- what else the model said of its answer: a JSON object
    webhook_url         text,
    webhook_events      smallint,                             -- 1 started, 2 finished; added up

    -- Orders the completion feed. Transactions commit in another order than they begin, so that no clock and no sequence orders
    -- what a reader has already seen; but everything below the oldest transaction that still runs is there for good.
    finished_xid        xid8,                                 -- null: not ended, or ended in the original system
    trace_parent        text,                                 -- W3C "traceparent" of the request that made it; null: not traced

    constraint tickets_pk primary key (ticket_id),
    constraint tickets_user_fk foreign key (user_id) references users (user_id),
    -- Without functions: the server would parse a function's body again for every statement that writes a ticket.
    constraint tickets_finished_ck
        check ((status in ('succeeded', 'failed', 'timed_out', 'expired', 'canceled')) = (time_finished is not null)),
    constraint tickets_leased_ck
        check ((status in ('dispatched', 'running', 'canceling')) = (lease_expires is not null)),
    constraint tickets_queued_ck check (status <> 'queued' or queue_key is not null),
    constraint tickets_webhook_ck check ((webhook_url is null) = (webhook_events is null))
) with (
    -- Two thirds full pages leave space beside a ticket for its finished version.
    fillfactor = 65,
    -- A ticket leaves one or two dead versions on its way. Rows that were only inserted have nothing to clean; they are frozen.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000, vacuum_index_cleanup = on,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 100000);

-- The order of each model's backlog, and that of each flow in it: a user's tickets of one priority.
create index tickets_backlog_ix on tickets (model, queue_key, ticket_id) where status = 'queued';
create index tickets_flow_ix on tickets (model, user_id, priority, queue_key) where status = 'queued';

-- What the rescuer must look at.
create index tickets_due_ix on tickets (due_at) where time_finished is null;

-- A user's tickets, newest last, in three parts. One index over all would be written at each step of a ticket; of these three, a ticket
-- that need not wait is written to one when it is dispatched and to one when it ends.
create index tickets_user_queued_ix on tickets (user_id, ticket_id) where status in ('queued', 'retryable');
create index tickets_in_flight_ix on tickets (user_id, ticket_id) include (model) where status in ('dispatched', 'running', 'canceling');
create index tickets_user_ended_ix on tickets (user_id, ticket_id) where time_finished is not null;

-- Nearly always empty: those whose workers are told again and again to stop, and those whose message to "errors" is to be sent.
create index tickets_canceling_ix on tickets (ticket_id) where status = 'canceling';
create index tickets_report_ix on tickets (ticket_id) where report_pending;

-- The completion feed.
create index tickets_ended_ix on tickets (finished_xid, ticket_id) where finished_xid is not null;

-- What an administrator may want to retry or remove. Tickets that succeed are never in it.
create index tickets_dead_ix on tickets (ticket_id) where status in ('failed', 'timed_out', 'expired');

create function is_finished(status ticket_status) returns boolean
    language sql immutable parallel safe
    as $$ select status in ('succeeded', 'failed', 'timed_out', 'expired', 'canceled') $$;

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

create function note_end_of_ticket() returns trigger
    language plpgsql as $$
begin
    new.finished_xid := pg_current_xact_id();
    return new;
end
$$;

-- A trigger, so that no statement that ends tickets can forget it.
create trigger tickets_end_is_logged
    before update on tickets
    for each row when (old.time_finished is null and new.time_finished is not null)
    execute function note_end_of_ticket();


-- Attempts and progress

-- Attempts that did not end their ticket well, redelivered messages, and reports that came too late. The last attempt is in the ticket's
-- own row.
create table ticket_attempts (
    ticket_id     uuid        not null,
    epoch         integer     not null,
    outcome       text        not null, -- failed, worker_lost, late, redelivered, or the end that a retry undid
    attempt       smallint    not null,
    worker        text,
    time_started  timestamptz,
    time_ended    timestamptz not null default clock_timestamp(),
    error_type    text,
    error_message text,
    constraint ticket_attempts_pk primary key (ticket_id, epoch, outcome),
    constraint ticket_attempts_ticket_fk foreign key (ticket_id) references tickets (ticket_id) on delete cascade
) with (
    -- Inserted once, and removed with their tickets.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);

-- How far runs are; removed some minutes after their ticket's end. Numbered by the worker, so that a repeated report adds nothing.
create table ticket_progress (
    ticket_id     uuid        not null,
    epoch         integer     not null, -- of the run
    seq           integer     not null, -- from 1 in each run
    time_reported timestamptz not null default clock_timestamp(),
    fraction      real,                 -- from 0 to 1, if known
    text          text,                 -- what the answer has grown by
    constraint ticket_progress_pk primary key (ticket_id, epoch, seq),
    constraint ticket_progress_ticket_fk foreign key (ticket_id) references tickets (ticket_id) on delete cascade
) with (
    -- Written and gone within minutes: as many rows die as are inserted.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, vacuum_index_cleanup = on,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);


-- Workers, models and replicas. These tables, and others below, have a few rows that change several times a second. Free space in
-- their pages makes that HOT updates, which need neither index entry nor vacuum.

-- The dispatch windows follow the workers' slots. Removed after an hour without a report.
create table workers (
    worker    text        not null,
    slots     integer     not null,              -- the sum over its models
    last_seen timestamptz not null,
    models    jsonb       not null default '{}', -- what it serves: {"model": slots, …}
    constraint workers_pk primary key (worker)
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- Models that workers have served lately. Removed seven days after the last worker that did.
create table models (
    name                 text        not null,
    description          text        not null,
    input_required       boolean     not null,
    max_input_characters integer     not null,
    largest_batch        integer     not null,
    last_seen            timestamptz not null,
    constraint models_pk primary key (name)
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- The API replicas that share the dispatch windows.
create table api_replicas (
    replica   uuid        not null,
    last_seen timestamptz not null,
    constraint api_replicas_pk primary key (replica)
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);


-- Dispatch

-- Up to which key each model's backlog was dispatched, where users' running tickets are limited: the head of the backlog may then be of
-- a user who must wait, and says no longer where a newcomer's place is.
create table dispatch_virtual_time (
    model     text   not null,
    queue_key bigint not null,
    constraint dispatch_virtual_time_pk primary key (model)
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- One row while dispatching is paused. In the database, so that every replica obeys.
create table dispatch_pause (
    paused      boolean     not null default true,
    time_paused timestamptz not null default clock_timestamp(),
    constraint dispatch_pause_pk primary key (paused),
    constraint dispatch_pause_one_ck check (paused)
);


-- Webhooks

-- What to tell a ticket's user when the ticket starts and ends.
create table webhook_deliveries (
    delivery_id  uuid        not null, -- the receiver's "webhook-id": the same for every attempt
    sequence     bigint      not null generated always as identity, -- order for a ticket
    ticket_id    uuid        not null,
    user_id      uuid        not null,
    host         text        not null collate "C", -- with its port, as in the URL
    event        text        not null, -- ticket.started, ticket.finished
    time_created timestamptz not null default now(),
    ticket       jsonb       not null, -- the row as the event left it, without content that is too large to send
    attempts     smallint    not null default 0,
    tries        smallint    not null default 0, -- attempts since its creation or last replay: the place in the schedule
    due_at       timestamptz default now(),      -- the next attempt; during an attempt, when that counts as lost
    outcome      text,                           -- delivered, dead
    time_ended   timestamptz,
    constraint webhook_deliveries_pk primary key (delivery_id),
    constraint webhook_deliveries_ticket_fk foreign key (ticket_id) references tickets (ticket_id) on delete cascade,
    constraint webhook_deliveries_outcome_ck check (outcome in ('delivered', 'dead')),
    constraint webhook_deliveries_ended_ck check ((outcome is null) = (due_at is not null) and (outcome is null) = (time_ended is null))
) with (
    -- Claimed, moved on and ended by an index over what is due.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, vacuum_index_cleanup = on,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 100000);

create index webhook_deliveries_due_ix on webhook_deliveries (host, due_at) where due_at is not null;
create index webhook_deliveries_ticket_ix on webhook_deliveries (ticket_id, sequence);
create index webhook_deliveries_dead_ix on webhook_deliveries (user_id, sequence) where outcome = 'dead';
create index webhook_deliveries_ended_ix on webhook_deliveries (time_ended) where time_ended is not null;

create table webhook_attempts (
    delivery_id uuid        not null,
    attempt     smallint    not null, -- from 1
    time_ended  timestamptz not null default now(),
    duration_ms integer     not null,
    status_code smallint,             -- null: no answer
    error       text,
    constraint webhook_attempts_pk primary key (delivery_id, attempt),
    constraint webhook_attempts_delivery_fk foreign key (delivery_id) references webhook_deliveries (delivery_id) on delete cascade
) with (
    -- Inserted once, and removed with their deliveries.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);

-- A user's signing secrets: the current one, and while they rotate the one before it.
create table webhook_secrets (
    secret_id    uuid        not null,
    user_id      uuid        not null,
    secret       bytea       not null, -- sealed, if Webhooks:SecretKey is set
    time_created timestamptz not null default now(),
    time_expires timestamptz,          -- null: the current one
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

-- One place for all that starts or ends a ticket, in the same transaction, which has locked the ticket's row: so the
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

-- Evaluated only where a statement sets the status, and over at once for a ticket without a webhook.
create trigger tickets_webhook
    after update of status on tickets
    for each row when (
        new.webhook_events is not null and new.status <> old.status
        and (new.webhook_events & 1 <> 0 and new.status = 'running' or new.webhook_events & 2 <> 0 and new.time_finished is not null))
    execute function create_webhook_delivery();


-- Idempotency

-- Keys by which a repeated submission is known. In the order of their tickets' ids they are in that of time.
create table idempotency_keys (
    user_id   uuid  not null,
    key       text  not null,
    body_hash bytea not null, -- SHA-256 of the request's body
    ticket_id uuid  not null,
    constraint idempotency_keys_pk primary key (user_id, key),
    constraint idempotency_keys_ticket_fk foreign key (ticket_id) references tickets (ticket_id) on delete cascade
) with (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100000, vacuum_index_cleanup = on,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);

create index idempotency_keys_ticket_ix on idempotency_keys (ticket_id);


-- Totals

-- How many tickets ended in each state, counted from the completion feed: to count all that are stored takes longer the more there are.
create table ticket_totals (
    model  text          not null,
    status ticket_status not null,
    ended  bigint        not null,
    constraint ticket_totals_pk primary key (model, status)
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- One row: how far the feed is counted.
create table ticket_totals_position (
    only_row   boolean not null default true,
    counted_to xid8    not null, -- everything below is counted
    constraint ticket_totals_position_pk primary key (only_row),
    constraint ticket_totals_position_ck check (only_row)
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

insert into ticket_totals_position (counted_to) values ('0');


-- The original system's rows. Finished tickets ended as their times say; the rescuer looks at the others first.
do $$
begin
    if to_regclass('original_system.users') is not null then
        insert into users (user_id, time_created) select user_id, time_created from original_system.users;
    end if;
    if to_regclass('original_system.tickets') is not null then
        insert into tickets (ticket_id, user_id, time_created, time_finished, response, status, queue_key, expires_at, due_at)
        select ticket_id, user_id, time_created, time_finished, response,
            case
                when time_finished is null then 'queued'
                when response is not null and time_finished <= time_created + interval '5 minutes' then 'succeeded'
                else 'timed_out' end::ticket_status,
            0, time_created + interval '5 minutes', time_created + interval '5 minutes'
        from original_system.tickets;
    end if;
end
$$;

drop table if exists original_system.tickets, original_system.users;
drop schema original_system;
