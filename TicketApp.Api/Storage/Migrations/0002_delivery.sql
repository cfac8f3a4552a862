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
