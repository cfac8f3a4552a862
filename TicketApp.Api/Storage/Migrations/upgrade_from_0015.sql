-- A database that a commit before the first release made with its 15 scripts becomes one that 0001_schema.sql made. Delete this script,
-- its call in DatabaseMigrator and UnreleasedSchemaTests at the first release.
--
-- Programs of those commits cannot serve from it. One that still runs is refused here; one that starts later takes the database for
-- one of its own first versions, and its next script fails and is rolled back, because what it makes exists: it answers 503 and logs that.
do $$
declare
    schema_version integer := (select max(version) from schema_migrations);
begin
    if schema_version < 15 then
        raise exception 'it has schema version %, of a commit before the first release: start the API of a commit with '
            'Migrations/0015_vacuum_by_number.sql on it once, or use an empty database', schema_version;
    end if;
    if exists (select from api_replicas where last_seen > clock_timestamp() - interval '15 seconds') then
        raise exception 'an API of a commit before the first release serves from it: stop that one';
    end if;
end
$$;

-- Constraints, indexes and statistics hold the values by their ids, and need no change.
alter type ticket_status rename value 'released' to 'dispatched';
alter type ticket_status rename value 'waiting' to 'retryable';
alter index tickets_user_waiting_ix rename to tickets_user_queued_ix;

delete from schema_migrations where version > 1;
update schema_migrations set name = 'schema', time_applied = default where version = 1;
