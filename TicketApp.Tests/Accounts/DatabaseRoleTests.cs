using System.Net;
using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.AppHost.Servers;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Accounts;

/// <summary>What the Api's role at PostgreSQL may not do. What it has to, all other tests do with it.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class DatabaseRoleTests(DatabaseServer server)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("create database mine")]
    [InlineData("drop database tickets")]
    [InlineData("create role mine")]
    [InlineData("alter role ticketapp superuser")]
    [InlineData("alter role postgres password 'mine'")]
    [InlineData("set role postgres")]
    [InlineData("set session authorization postgres")]
    [InlineData("grant pg_execute_server_program to ticketapp")]
    [InlineData("copy (select 1) to program 'true'")]
    [InlineData("copy (select 1) to '/tmp/mine'")]
    [InlineData("create temporary table mine (line text); copy mine from '/etc/hostname'")]
    [InlineData("select pg_read_file('/etc/hostname')")]
    [InlineData("select lo_import('/etc/hostname')")]
    [InlineData("select rolpassword from pg_authid")]
    [InlineData("alter system set fsync = off")]
    [InlineData("create tablespace mine location '/tmp'")]
    [InlineData("create publication mine for all tables")]
    public async Task The_api_cannot(string sql)
    {
        await using var database = NpgsqlDataSource.Create(server.ApiDatabase);
        await using var command = database.CreateCommand(sql);

        var error = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync(Cancel));

        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, error.SqlState);
    }

    [Fact]
    public async Task Its_role_has_no_attribute_and_is_a_member_of_no_other()
    {
        await using var database = NpgsqlDataSource.Create(server.Database);
        await using var command = database.CreateCommand(
            """
            select rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls
                or exists (select from pg_auth_members m where m.member = r.oid)
            from pg_roles r where rolname = 'ticketapp'
            """);

        Assert.False((bool)(await command.ExecuteScalarAsync(Cancel))!);
    }

    /// <summary>Data of a release that had no role of its own.</summary>
    [Fact]
    public async Task What_the_superuser_made_before_is_the_roles_after_a_start()
    {
        await using var database = await ScratchDatabase.CreateAsync(server);
        var name = await database.ValueAsync<string>("select current_database()");
        await using var superuser = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(server.Database) { Database = name }.ConnectionString);
        await ExecuteAsync(superuser, "create type mood as enum ('good'); create table old (id bigserial primary key, mood mood)");
        await ExecuteAsync(superuser, "create function one() returns int language sql as 'select 1'");
        var takeOver = File.ReadLines(Path.Combine(Repository.Root, "TicketApp.AppHost", "Servers", "postgres-role.sql")).Last();

        await ExecuteAsync(superuser, takeOver);
        await ExecuteAsync(superuser, takeOver);

        await database.ExecuteAsync("alter type mood add value 'bad'");
        await database.ExecuteAsync("alter table old add more text; insert into old default values; drop function one(); drop table old");
    }

    /// <summary>Of a server that somebody else runs, such as Azure's: it creates roles and databases, and is no superuser.</summary>
    [Fact]
    public async Task An_administrator_who_is_no_superuser_makes_the_role_and_hands_over_what_there_is()
    {
        var name = $"managed_{Guid.NewGuid():N}";
        await using var superuser = NpgsqlDataSource.Create(server.Database);
        await ExecuteAsync(superuser, $"create role {name}_admin login createdb createrole password 'secret'");
        await ExecuteAsync(superuser, $"create database {name} owner {name}_admin");
        try
        {
            await using var administrator = NpgsqlDataSource.Create(Connection($"{name}_admin", "secret"));
            await ExecuteAsync(administrator, "create table old (id int)");
            foreach (var password in (string[])["first", "second"])
            {
                await ExecuteAsync(administrator, ServerScripts.RoleSql(password).Replace("ticketapp", name, StringComparison.Ordinal)
                    .Replace("database tickets", $"database {name}", StringComparison.Ordinal));
                await using var role = NpgsqlDataSource.Create(Connection(name, password));
                await ExecuteAsync(role, "alter table old alter id set default 1; create table mine (id int); drop table mine");
                var error = await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(role, "create role another"));
                Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, error.SqlState);
            }
        }
        finally
        {
            NpgsqlConnection.ClearAllPools();
            await ExecuteAsync(superuser, $"drop database {name} with (force)");
            await ExecuteAsync(superuser, $"drop role {name}, {name}_admin");
        }

        string Connection(string role, string password) => new NpgsqlConnectionStringBuilder(server.Database)
        {
            Username = role,
            Password = password,
            Database = name,
        }.ConnectionString;
    }

    /// <summary>As docs/operations.md makes the role of an identity. What Azure's own statement makes is a role that logs in.</summary>
    [Fact]
    public async Task An_identity_signs_in_with_tokens_as_a_role_of_its_own()
    {
        var identity = $"identity_{Guid.NewGuid():N}";
        await using var superuser = NpgsqlDataSource.Create(server.Database);
        await ExecuteAsync(superuser, $"create role {identity} login password 'token'");
        try
        {
            await ExecuteAsync(superuser, Documents.Sql("The identity's role").Replace("IDENTITY", identity, StringComparison.Ordinal));
            await using var database = Build(new FakeCredential("token"));
            await using var who = database.CreateCommand("select concat(session_user, ' as ', current_user)");
            Assert.Equal($"{identity} as ticketapp", await who.ExecuteScalarAsync(Cancel));
            var error = await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(database, "create role another"));
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, error.SqlState);

            await using var without = Build(new FakeCredential("", new InvalidOperationException("No identity.")));
            var missing = await Assert.ThrowsAsync<NpgsqlException>(() => ExecuteAsync(without, "select 1"));
            Assert.Equal("No identity.", missing.GetBaseException().Message);
        }
        finally
        {
            await ExecuteAsync(superuser, $"drop role {identity}");
        }

        NpgsqlDataSource Build(FakeCredential credential)
        {
            NpgsqlDataSourceBuilder builder = new(new NpgsqlConnectionStringBuilder(server.Database)
            {
                Username = identity,
                Password = null,
                Pooling = false,
            }.ConnectionString);
            builder.UseTokens(credential);
            return builder.Build();
        }
    }

    /// <summary>As docs/operations.md makes the two roles.</summary>
    [Fact]
    public async Task The_schema_may_belong_to_another_role_than_the_one_that_serves()
    {
        var name = $"roles_{Guid.NewGuid():N}";
        await using var instance = NpgsqlDataSource.Create(server.Database);
        await using var superuser = NpgsqlDataSource.Create(Connection("postgres"));
        await ExecuteAsync(instance, $"create database {name}");
        try
        {
            await ExecuteAsync(superuser, Documents.Sql("Two roles").Replace("ticketapp", name, StringComparison.Ordinal)
                .Replace("database tickets", $"database {name}", StringComparison.Ordinal));
            var port = AppProcesses.NextPort();
            await using var api = AppProcesses.Service("api", "TicketApp.Api", port, new Dictionary<string, string>
            {
                ["ASPNETCORE_ENVIRONMENT"] = "Development",
                ["ConnectionStrings__tickets"] = Connection(name),
                ["ConnectionStrings__migrations"] = Connection($"{name}_owner"),
                // It takes tickets without a broker.
                ["ConnectionStrings__rabbitmq"] = "amqp://127.0.0.1:9",
            });
            await api.StartAsync();
            using var client = AppProcesses.Client([port]);

            using var user = await client.PostAsync("/user", null, Cancel);
            Assert.Equal(HttpStatusCode.OK, user.StatusCode);

            await using var serving = NpgsqlDataSource.Create(Connection(name));
            string[] ofOwner = ["create table mine ()", "drop table tickets", "alter table tickets add mine int", "truncate tickets"];
            foreach (var sql in ofOwner)
            {
                var error = await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(serving, sql));
                Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, error.SqlState);
            }
        }
        finally
        {
            NpgsqlConnection.ClearAllPools();
            await superuser.DisposeAsync();
            await ExecuteAsync(instance, $"drop database {name} with (force)");
            await ExecuteAsync(instance, $"drop role {name}, {name}_owner");
        }

        string Connection(string role) => new NpgsqlConnectionStringBuilder(server.Database)
        {
            Username = role,
            Password = role == "postgres" ? new NpgsqlConnectionStringBuilder(server.Database).Password : "secret",
            Database = name,
        }.ConnectionString;
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }
}
