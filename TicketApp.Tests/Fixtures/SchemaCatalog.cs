namespace TicketApp.Tests.Fixtures;

/// <summary>A database's schema as its catalogs have it: a line for each thing, in an order that does not depend on its history.</summary>
internal static class SchemaCatalog
{
    private const string Sql =
        """
        with lines (line) as (
            select concat_ws(' ', 'relation', oid::regclass, relkind, relpersistence,
                (select string_agg(o, ',' order by o) from unnest(reloptions) o))
            from pg_class where relnamespace = 'public'::regnamespace
            union all
            select concat_ws(' ', 'toast of', c.oid::regclass, (select string_agg(o, ',' order by o) from unnest(t.reloptions) o))
            from pg_class c join pg_class t on t.oid = c.reltoastrelid where c.relnamespace = 'public'::regnamespace
            union all
            select concat_ws(' ', 'column', attrelid::regclass, attname, attnum, format_type(atttypid, atttypmod), attcollation,
                attnotnull, attidentity, attgenerated, attstorage, pg_get_expr(adbin, adrelid))
            from pg_attribute join pg_class c on c.oid = attrelid left join pg_attrdef on adrelid = attrelid and adnum = attnum
            where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and attnum > 0
            union all
            select concat_ws(' ', 'constraint', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid))
            from pg_constraint where connamespace = 'public'::regnamespace
            union all
            select concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisvalid, indisunique, indisprimary)
            from pg_index join pg_class c on c.oid = indexrelid where c.relnamespace = 'public'::regnamespace
            union all
            select concat_ws(' ', 'trigger', pg_get_triggerdef(oid), tgenabled) from pg_trigger where not tgisinternal
            union all
            select concat_ws(' ', 'function', pg_get_functiondef(oid)) from pg_proc where pronamespace = 'public'::regnamespace
            union all
            select concat_ws(' ', 'enum', enumtypid::regtype, string_agg(enumlabel, ',' order by enumsortorder))
            from pg_enum group by enumtypid
            union all
            select concat_ws(' ', 'sequence', s) from pg_sequences s
            union all
            select concat_ws(' ', 'type', typname, typtype) from pg_type where typnamespace = 'public'::regnamespace
            union all
            select concat_ws(' ', 'schema', nspname) from pg_namespace where nspname !~ '^pg_'
            union all
            select concat_ws(' ', 'migration', version, name, oldest_program) from schema_migrations)
        select string_agg(line, e'\n' order by line collate "C") from lines
        """;

    public static async Task<IReadOnlyList<string>> ReadAsync(ScratchDatabase database) =>
        (await database.ValueAsync<string>(Sql)).Split('\n');
}
