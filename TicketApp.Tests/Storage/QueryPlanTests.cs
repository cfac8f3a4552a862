using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Storage;

/// <summary>How the server carries out the Api's statements where much is stored.</summary>
[Collection(DatabaseCollection.Name)]
public sealed partial class QueryPlanTests(DatabaseServer server)
{
    // They have the tickets that are open, or that did not succeed, and stay small.
    private static readonly string[] _smallIndexes =
    [
        "tickets_backlog_ix", "tickets_flow_ix", "tickets_due_ix", "tickets_user_queued_ix", "tickets_in_flight_ix",
        "tickets_canceling_ix", "tickets_report_ix", "tickets_dead_ix",
    ];

    // They read no more of what is below than is taken of them.
    private static readonly string[] _passing = ["LockRows", "Subquery Scan", "Result", "Append", "Nested Loop"];

    // Where the server cannot infer them.
    private static readonly Dictionary<string, string> _types = new()
    {
        ["TicketListStore._allSql"] = "uuid, uuid, uuid",
        ["TicketRetrier.Sql"] = "uuid[], int, interval, interval, bytea[]",
        ["PurgeStore.PageSql"] = "uuid, interval",
        ["LimitedDispatch.FirstSql"] = "int, interval, text, int, uuid[]",
        ["LimitedDispatch.DispatchSql"] = "int, interval, text, int, uuid[]",
        ["DispatchStore.QuerySql"] = "interval, interval, uuid",
        ["DispatchStore.FirstSql"] = "int, int, text, uuid[]",
        ["ReportStatements.Failed"] =
            "unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown, interval, interval",
        ["RescueStore._dueSql"] = "int, uuid[], interval, interval",
    };

    // Of the statement that creates tickets; the server takes the others for what they are.
    private static readonly string[] _parts = ["TicketInserts.IntoDispatched"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_statement_reads_all_tickets_that_are_stored()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        await StoreManyAsync(database);
        var statements = Statements();

        List<string> wholeReads = [];
        foreach (var (name, sql) in statements)
        {
            wholeReads.AddRange((await PlanAsync(database, sql, _types.GetValueOrDefault(name, ""))).SelectMany(WholeReads)
                .Select(read => $"{name}: {read}"));
        }

        // Those of the dispatcher, of the reports, of the rescuer, of retention, of the feed, of lists and many more.
        Assert.InRange(statements.Count, 40, int.MaxValue);
        Assert.Empty(wholeReads);
    }

    [Fact]
    public async Task A_statement_that_reads_all_tickets_is_found()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        await StoreManyAsync(database);

        // Of a table that was never analyzed the server expects thousands of rows, though this one has a single row.
        var plan = await PlanAsync(
            database,
            "select count(*) from (select counted_to from ticket_totals_position for update) p "
                + "join tickets t on t.finished_xid >= p.counted_to and t.finished_xid < p.counted_to");

        Assert.NotEmpty(plan.SelectMany(WholeReads));
    }

    /// <summary>The Api's statements about tickets, by the names of the fields that have them.</summary>
    private static List<(string Name, string Sql)> Statements() =>
    [
        .. from type in typeof(PurgeStore).Assembly.GetTypes()
           where !type.ContainsGenericParameters
           from field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
           where field.FieldType == typeof(string)
           let sql = (string?)field.GetValue(null)
           where sql is not null && !_parts.Contains($"{type.Name}.{field.Name}") && OfTickets.IsMatch(sql)
           select ($"{type.Name}.{field.Name}", sql),
    ];

    /// <summary>As many rows as in years, to the planner, which reckons with few pages in memory.</summary>
    private async Task StoreManyAsync(ScratchDatabase database)
    {
        NpgsqlConnectionStringBuilder superuser = new(server.Database) { Database = database.Name, Pooling = false };
        await using var source = NpgsqlDataSource.Create(superuser);
        await using var command = source.CreateCommand(
            $"""
            alter table tickets alter column input set storage plain;
            insert into users (user_id) values ('{Guid.Empty}');
            insert into tickets (
                ticket_id, user_id, status, queue_key, expires_at, due_at, time_finished, finished_xid, input)
            select gen_random_uuid(), '{Guid.Empty}', 'succeeded', 0, now(), now(), now(), pg_current_xact_id(), repeat('x', 5000)
            from generate_series(1, 2000);
            analyze tickets;
            update pg_class set reltuples = 100000000
            where relname in ('tickets', 'tickets_pk', 'tickets_ended_ix', 'tickets_user_ended_ix');
            alter database {database.Name} set effective_cache_size = '8kB'
            """);
        await command.ExecuteNonQueryAsync(Cancel);
        database.Source.Clear();
    }

    /// <returns>Nothing for a part of a statement.</returns>
    private static async Task<JsonArray> PlanAsync(ScratchDatabase database, string sql, string types = "")
    {
        var parameters = Parameters.Matches(sql).Select(match => int.Parse(match.Groups[1].Value, null)).DefaultIfEmpty().Max();
        await using var connection = await database.Source.OpenConnectionAsync(Cancel);
        try
        {
            await ExecuteAsync($"prepare planned {(types.Length > 0 ? $"({types})" : "")} as {WithTypes(sql, types.Split(", "))}");
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.SyntaxError or PostgresErrorCodes.UndefinedTable)
        {
            return [];
        }

        var values = string.Join(", ", Enumerable.Repeat("null", parameters));
        await using NpgsqlCommand explain = new(
            $"explain (format json) execute planned{(parameters > 0 ? $"({values})" : "")}", connection);
        var plan = (string)(await explain.ExecuteScalarAsync(Cancel))!;
        await ExecuteAsync("deallocate planned");
        return JsonNode.Parse(plan)!.AsArray();

        async Task ExecuteAsync(string text)
        {
            await using NpgsqlCommand command = new(text, connection);
            await command.ExecuteNonQueryAsync(Cancel);
        }
    }

    /// <summary>The server infers the types of most parameters, but not of arrays, whose elements have columns' names here.</summary>
    private static string WithTypes(string sql, string[] types) => Arrays.Replace(sql, call =>
    {
        var values = call.Groups["values"].Value.Split(',', StringSplitOptions.TrimEntries);
        var columns = call.Groups["columns"].Value.Split(',', StringSplitOptions.TrimEntries);
        var typed = values.Zip(columns, (value, column) => IsGiven(value) ? value : $"{value}::{TypeOf(column)}[]");
        return call.Value.Replace(call.Groups["values"].Value, string.Join(", ", typed), StringComparison.Ordinal);

        bool IsGiven(string parameter) => types.ElementAtOrDefault(int.Parse(parameter[1..], null) - 1) is not (null or "" or "unknown");
    });

    private static string TypeOf(string column) => column switch
    {
        "id" => "uuid",
        _ when column.EndsWith("_id", StringComparison.Ordinal) => "uuid",
        "epoch" or "seq" or "attempt" or "attempts" or "slots" => "int",
        _ when column.EndsWith("_ms", StringComparison.Ordinal) || column.EndsWith("_s", StringComparison.Ordinal) => "int",
        "hash" or "body_hash" => "bytea",
        "priority" or "webhook_events" => "smallint",
        "fraction" => "real",
        "input_json" or "response_json" => "bool",
        _ when column.StartsWith("was_", StringComparison.Ordinal) || column.StartsWith("is_", StringComparison.Ordinal) => "bool",
        _ => "text",
    };

    /// <summary>Reads of tickets by no condition on an index, of which nobody takes the first few only.</summary>
    private static IEnumerable<string> WholeReads(JsonNode? plan) => WholeReads(plan!["Plan"]!, isFirstFew: false);

    private static IEnumerable<string> WholeReads(JsonNode node, bool isFirstFew)
    {
        var type = (string)node["Node Type"]!;
        if ((string?)node["Relation Name"] == "tickets"
            && type != "ModifyTable"
            && !isFirstFew
            && node["Index Cond"] is null
            && !_smallIndexes.Contains((string?)node["Index Name"]))
        {
            yield return $"{type} {node["Index Name"]}";
        }

        var isPassedOn = type == "Limit" || (isFirstFew && _passing.Contains(type));
        foreach (var child in node["Plans"]?.AsArray() ?? [])
        {
            // Not the inner side of a loop, which runs for each row of the outer one, and no plan of its own.
            var isRead = (string?)child!["Parent Relationship"] is "Outer" or "Subquery" or "Member";
            foreach (var read in WholeReads(child, isPassedOn && isRead))
            {
                yield return read;
            }
        }
    }

    [GeneratedRegex(@"\A\s*(with|select|insert|update|delete)\b.*\btickets\b", RegexOptions.Singleline)]
    private static partial Regex OfTickets { get; }

    [GeneratedRegex(@"unnest\((?<values>[^)]*)\)( with ordinality)?\s+\w+ \((?<columns>[^)]*)\)")]
    private static partial Regex Arrays { get; }

    [GeneratedRegex(@"\$(\d+)")]
    private static partial Regex Parameters { get; }
}
