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
    due_at       timestamptz default now(),      -- the next attempt; while one is under way, when it counts as lost
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

-- One place for all that starts or ends a ticket, in the same transaction. A ticket's row is locked meanwhile, so that the
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
