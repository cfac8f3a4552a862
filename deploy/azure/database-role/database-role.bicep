@description('The location for the resource(s) to be deployed.')
param location string = resourceGroup().location

param aca_outputs_azure_container_apps_environment_default_domain string

param aca_outputs_azure_container_apps_environment_id string

param postgres_outputs_hostname string

param postgres_username_value string

@secure()
param postgres_password_value string

@secure()
param tickets_password_value string

resource database_role 'Microsoft.App/jobs@2025-07-01' = {
  name: 'database-role'
  location: location
  properties: {
    configuration: {
      triggerType: 'Manual'
      replicaTimeout: 1800
      secrets: [
        {
          name: 'pgpassword'
          value: postgres_password_value
        }
        {
          name: 'tickets-password'
          value: tickets_password_value
        }
      ]
    }
    environmentId: aca_outputs_azure_container_apps_environment_id
    template: {
      containers: [
        {
          image: 'docker.io/library/postgres:18.6-alpine'
          name: 'database-role'
          args: [
            'sh'
            '-c'
            'printf "do \'begin if not exists (select from pg_roles where rolname = \'\'ticketapp\'\') then create role ticketapp; end if; if (select rolsuper from pg_roles where rolname = current_user) then alter role ticketapp nosuperuser nocreatedb nocreaterole noreplication nobypassrls; else grant ticketapp to current_user; end if; end\'; alter role ticketapp login password \'%s\'; grant create on database tickets to ticketapp; alter schema public owner to ticketapp; do \'declare o record; begin for o in select \'\'table \'\' || c.oid::regclass::text as what from pg_class c where c.relnamespace = \'\'public\'\'::regnamespace and c.relkind in (\'\'r\'\', \'\'p\'\', \'\'v\'\', \'\'m\'\') and c.relowner <> \'\'ticketapp\'\'::regrole union all select \'\'type \'\' || t.oid::regtype::text from pg_type t where t.typnamespace = \'\'public\'\'::regnamespace and t.typtype in (\'\'e\'\', \'\'d\'\') and t.typowner <> \'\'ticketapp\'\'::regrole union all select \'\'routine \'\' || p.oid::regprocedure::text from pg_proc p where p.pronamespace = \'\'public\'\'::regnamespace and p.proowner <> \'\'ticketapp\'\'::regrole loop execute \'\'alter \'\' || o.what || \'\' owner to ticketapp\'\'; end loop; end\';" "$TICKETS_PASSWORD" | psql -v ON_ERROR_STOP=1'
          ]
          env: [
            {
              name: 'PGHOST'
              value: postgres_outputs_hostname
            }
            {
              name: 'PGUSER'
              value: postgres_username_value
            }
            {
              name: 'PGPASSWORD'
              secretRef: 'pgpassword'
            }
            {
              name: 'PGDATABASE'
              value: 'tickets'
            }
            {
              name: 'PGSSLMODE'
              value: 'verify-full'
            }
            {
              name: 'PGSSLROOTCERT'
              value: 'system'
            }
            {
              name: 'TICKETS_PASSWORD'
              secretRef: 'tickets-password'
            }
          ]
        }
      ]
    }
  }
}
