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
