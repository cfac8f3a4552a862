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
    private static readonly string[] _passing = ["LockRows", "Subquery Scan", "Result", "Append"];

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

    // No statements by themselves.
    private static readonly string[] _parts =
        ["LimitedDispatch.Picked", "TicketInserts.Head", "TicketInserts.IntoDispatched", "TicketInserts.IntoQueued"];

    private static readonly string[] _isPart =
        [PostgresErrorCodes.SyntaxError, PostgresErrorCodes.UndefinedTable, PostgresErrorCodes.IndeterminateDatatype];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("8kB")]
    [InlineData("16GB")]
    public async Task No_statement_reads_all_tickets_that_are_stored(string memory)
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        await StoreManyAsync(database, memory);

        List<string> parts = [];
        List<string> wholeReads = [];
        foreach (var (name, sql) in Statements())
        {
            if (await PlanAsync(database, sql, _types.GetValueOrDefault(name, "")) is { } plan)
            {
                wholeReads.AddRange(WholeReads(plan, isFirstFew: false).Select(read => $"{name}: {read}"));
            }
            else
            {
                parts.Add(name);
            }
        }

        Assert.Empty(wholeReads);
        Assert.Equal(_parts, parts.Order(StringComparer.Ordinal));
    }

    [Theory]
    // Of a table that was never analyzed the server expects thousands of rows, though this one has a single row.
    [InlineData(
        "select count(*) from (select counted_to from ticket_totals_position for update) p "
            + "join tickets t on t.finished_xid >= p.counted_to and t.finished_xid < p.counted_to")]
    // The first that fits may be the last, or not be there.
    [InlineData("select ticket_id from tickets where worker = 'w' order by ticket_id limit 1")]
    [InlineData("select t.ticket_id from tickets t join erasures e on e.quiet_at > t.time_created order by t.ticket_id limit 1")]
    public async Task A_statement_that_reads_all_tickets_is_found(string sql)
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        await StoreManyAsync(database, "8kB");

        var plan = await PlanAsync(database, sql);

        Assert.NotEmpty(WholeReads(plan!, isFirstFew: false));
    }

    /// <summary>The Api's statements about tickets, by the names of the fields that have them.</summary>
    private static List<(string Name, string Sql)> Statements() =>
    [
        .. from type in typeof(PurgeStore).Assembly.GetTypes()
           where !type.ContainsGenericParameters
           from field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
           where field.FieldType == typeof(string)
           let sql = (string?)field.GetValue(null)
           where sql is not null && OfTickets.IsMatch(sql)
           select ($"{type.Name}.{field.Name}", sql),
    ];

    /// <summary>As many rows as in years, to the planner, which reckons with that much memory for their pages.</summary>
    private async Task StoreManyAsync(ScratchDatabase database, string memory)
    {
        NpgsqlConnectionStringBuilder superuser = new(server.Database) { Database = database.Name, Pooling = false };
        await using var source = NpgsqlDataSource.Create(superuser);
        await using var command = source.CreateCommand(
            $"""
            alter table tickets alter column input set storage plain;
            insert into users (user_id) select lpad(to_hex(i), 32, '0')::uuid from generate_series(0, 499) i;
            insert into tickets (
                ticket_id, user_id, status, queue_key, expires_at, due_at, time_finished, finished_xid, input)
            select lpad(to_hex(i), 32, '0')::uuid, lpad(to_hex(i % 500), 32, '0')::uuid, 'succeeded', 0,
                now(), now(), now(), i::text::xid8, repeat('x', 5000)
            from generate_series(1, 2000) i;
            analyze tickets;
            update pg_class set reltuples = 100000000
            where relname in ('tickets', 'tickets_pk', 'tickets_ended_ix', 'tickets_user_ended_ix');
            alter database {database.Name} set effective_cache_size = '{memory}'
            """);
        await command.ExecuteNonQueryAsync(Cancel);
        database.Source.Clear();
    }

    /// <returns>The plan's top; null for a part of a statement.</returns>
    private static async Task<JsonNode?> PlanAsync(ScratchDatabase database, string sql, string types = "")
    {
        var parameters = Parameters.Matches(sql).Select(match => int.Parse(match.Groups[1].Value, null)).DefaultIfEmpty().Max();
        await using var connection = await database.Source.OpenConnectionAsync(Cancel);
        try
        {
            await ExecuteAsync($"prepare planned {(types.Length > 0 ? $"({types})" : "")} as {WithTypes(sql, types.Split(", "))}");
        }
        catch (PostgresException exception) when (_isPart.Contains(exception.SqlState))
        {
            return null;
        }

        var values = string.Join(", ", Enumerable.Repeat("null", parameters));
        await using NpgsqlCommand explain = new(
            $"explain (format json) execute planned{(parameters > 0 ? $"({values})" : "")}", connection);
        var plan = (string)(await explain.ExecuteScalarAsync(Cancel))!;
        await ExecuteAsync("deallocate planned");
        return JsonNode.Parse(plan)![0]!["Plan"]!;

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
    private static IEnumerable<string> WholeReads(JsonNode node, bool isFirstFew)
    {
        var type = (string)node["Node Type"]!;
        if ((string?)node["Relation Name"] == "tickets"
            && type != "ModifyTable"
            && !(isFirstFew && node["Filter"] is null)
            && node["Index Cond"] is null
            && !_smallIndexes.Contains((string?)node["Index Name"]))
        {
            yield return $"{type} {node["Index Name"]}";
        }

        var isPassedOn = type == "Limit" || (isFirstFew && _passing.Contains(type));
        foreach (var child in node["Plans"]?.AsArray() ?? [])
        {
            // Not a plan of its own, which runs for each row or before all.
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
