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
