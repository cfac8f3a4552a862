do 'begin if not exists (select from pg_roles where rolname = ''ticketapp'') then create role ticketapp; end if; end';
alter role ticketapp with login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password '@PASSWORD@';
grant create on database tickets to ticketapp;
alter schema public owner to ticketapp;
do 'declare o record; begin for o in select ''table '' || c.oid::regclass::text as what from pg_class c where c.relnamespace = ''public''::regnamespace and c.relkind in (''r'', ''p'', ''v'', ''m'') and c.relowner <> ''ticketapp''::regrole union all select ''type '' || t.oid::regtype::text from pg_type t where t.typnamespace = ''public''::regnamespace and t.typtype in (''e'', ''d'') and t.typowner <> ''ticketapp''::regrole union all select ''routine '' || p.oid::regprocedure::text from pg_proc p where p.pronamespace = ''public''::regnamespace and p.proowner <> ''ticketapp''::regrole loop execute ''alter '' || o.what || '' owner to ticketapp''; end loop; end';
