-- Up to which key each model's backlog was released, where users' running tickets are limited: the head of the backlog may then be of a
-- user who must wait, and says no longer where a newcomer's place is.
create table dispatch_virtual_time (
    model     text   not null,
    queue_key bigint not null,
    constraint dispatch_virtual_time_pk primary key (model)
);
