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
