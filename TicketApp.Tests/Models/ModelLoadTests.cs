using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Npgsql;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models.Endpoints;
using TicketApp.Worker.Onnx;

namespace TicketApp.Tests.Models;

/// <summary>A thousand tickets for configured models of all kinds, one in twenty of which meets a fault.</summary>
[Collection(AppCollection.Name)]
public sealed class ModelLoadTests(AppFixture app) : IDisposable
{
    private const int TicketsOfKind = 200;
    private const int Always = int.MaxValue;
    private const string Busy = "status 503";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private static readonly string[] _kinds = [.. KindOfModel.All, "onnx"];

    private static readonly Fault[] _faults =
    [
        // Longer than a healthy answer takes on a machine that is busy.
        new("silent at once", 1, "sent nothing for 5 s"),
        new("send half", 1, "broke"), new("send half", Always, "broke"),
        new("close at once", 1, "broke"), new("close at once", Always, "broke"),
        new("other JSON", 1, "The endpoint's answer"), new("other JSON", Always, "The endpoint's answer"),
        new("NaN", 1, "The endpoint's answer"), new("NaN", Always, "The endpoint's answer"),
        new(Busy, 1, "takes no more requests"),
    ];

    private readonly ConcurrentDictionary<int, int> _requests = [];

    // Whether a ticket was the only one of the request that met its fault.
    private readonly ConcurrentDictionary<int, bool> _metAlone = [];
    private readonly string _network = OnnxFile.Create(
        [("x", OnnxFile.Float, [-1])], [("y", OnnxFile.Float, [-1])], [], OnnxFile.Node("Sqrt", ["x"], "y"));

    private readonly Dictionary<string, string> _models =
        _kinds.ToDictionary(kind => kind, kind => $"{kind}-{Guid.NewGuid():N}");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ResourceClient Api => new(app.Api);

    public void Dispose() => File.Delete(_network);

    [Fact]
    public async Task Each_ticket_ends_once_with_its_own_answer_or_with_the_fault_that_it_met()
    {
        var port = AppProcesses.NextPort();
        var server = await ModelServer.StartAsync(AnswerAsync, port);
        await using var worker = await TestWorker.StartAsync(
            app, _models["http"], builder => builder.AddConfiguredModels([OnnxModel.Kind]), Settings(server.Url));
        await Eventually.IsTrueAsync("All models", _limit, async () =>
            (await Api.GetAsync("/v1/models")).Body is var list && _models.Values.All(list.Contains));
        await server.DisposeAsync();

        var user = await app.CreateUserAsync();
        var tickets = await SubmitAsync(user);
        foreach (var number in Enumerable.Range(0, tickets.Length).TakeLast(_kinds.Length).Where(number => KindOf(number) != "onnx"))
        {
            var last = await Eventually.LastAsync(
                _limit,
                async () => (await Api.GetAsync($"/v1/tickets/{tickets[number]}")).Json,
                ticket => (string?)ticket!["queue"]?["wait_reason"] == "model_unavailable");
            Assert.True(
                (string?)last!["queue"]?["wait_reason"] == "model_unavailable",
                $"{number}: {last}\n{(await Api.GetAsync("/v1/models")).Body}");
        }

        await using var back = await ModelServer.StartAsync(AnswerAsync, port);
        await using var database = NpgsqlDataSource.Create(app.Database);
        await using var open = database.CreateCommand($"select count(*) from tickets where user_id = '{user}' and time_finished is null");
        await Eventually.IsTrueAsync("All have ended", _limit, async () => await open.ExecuteScalarAsync(Cancel) is 0L);

        var ends = await ReadAsync(database, user);
        Assert.Equal(tickets.Order(), ends.Keys.Order());
        Assert.All(tickets.Index(), ticket => CheckEnd(ticket.Index, ends[ticket.Item]));
        foreach (var (kind, model) in _models)
        {
            var succeeded = Enumerable.Range(0, tickets.Length).Count(number => KindOf(number) == kind && !IsLost(number));
            await Eventually.IsTrueAsync($"Each end of {kind} is counted once", _limit, async () =>
            {
                var finished = (await Api.GetAsync("/v1/stats")).Json["models"]![model]!["finished"]!;
                return ((int)finished["succeeded"]!, (int)finished["failed"]!) == (succeeded, TicketsOfKind - succeeded);
            });
        }
    }

    private static string KindOf(int number) => _kinds[number % _kinds.Length];

    /// <summary>The fault that a ticket meets; null for most.</summary>
    private static Fault? FaultOf(int number) => (number / _kinds.Length) is var place && place % 20 == 7
        ? KindOf(number) != "onnx" ? _faults[place / 20]
            : place / 20 % 2 == 0 ? new("NaN", Always, "has NaN or infinity")
            : new("wrong shape", Always, "where the model takes FP32[-1]")
        : null;

    private static bool IsLost(int number) => FaultOf(number) is { Times: Always };

    /// <summary>What a ticket asks, as JSON. It is answered with its number.</summary>
    private static string InputOf(int number) => (KindOf(number), FaultOf(number)?.Name) switch
    {
        ("onnx", null) => $"{number * number}",
        ("onnx", "NaN") => $"-{number}",
        ("onnx", _) => $"[[{number}]]",
        _ => $"\"{number}\"",
    };

    private IEnumerable<KeyValuePair<string, string?>> Settings(string url)
    {
        foreach (var (kind, model) in _models)
        {
            KeyValuePair<string, string?>[] settings = kind == "onnx"
                ? [new($"Models:{model}:Kind", kind), new($"Models:{model}:Path", _network), new($"Models:{model}:LargestBatch", "8")]
                :
                [
                    .. KindOfModel.Settings(kind, url, model),
                    new($"Models:{model}:Slots", "16"), new($"Models:{model}:Timeout", "00:00:05"),
                ];
            foreach (var setting in settings)
            {
                yield return setting;
            }
        }

        yield return new($"Models:{_models["http"]}:OutputPointer", "/answer");
        yield return new($"Models:{_models["open-inference"]}:LargestBatch", "8");
    }

    private async Task AnswerAsync(ModelExchange exchange)
    {
        var kind = exchange.Path.Split('/')[1] switch
        {
            "v1" => "chat",
            "v2" => "open-inference",
            "predictions" or "health-check" => "replicate-http",
            _ => "http",
        };
        Fault? due = null;
        string[] inputs = exchange.IsAsked ? [.. KindOfModel.Inputs(kind, exchange)] : [];
        foreach (var number in inputs)
        {
            var asked = int.Parse(number.Trim('"'), CultureInfo.InvariantCulture);
            var fault = FaultOf(asked);
            if (_requests.AddOrUpdate(asked, 1, (_, count) => count + 1) <= fault?.Times)
            {
                due = fault;
                _metAlone.TryAdd(asked, inputs.Length == 1);
            }
        }

        exchange.Response.Headers.RetryAfter = due?.Name == Busy ? "0.2" : default;
        await (due is { } met ? EndpointFault.SendAsync(exchange, met.Name)
            : kind == "http" ? exchange.AnswerAsync($$"""{"answer":{{exchange.Body}}}""")
            : KindOfModel.AnswerAsync(kind, exchange));
    }

    private async Task<string[]> SubmitAsync(string user)
    {
        var tickets = Enumerable.Range(0, _kinds.Length * TicketsOfKind)
            .Select(number => $$"""{"user_id":"{{user}}","model":"{{_models[KindOf(number)]}}","input":{{InputOf(number)}}}""");
        var answer = await Api.PostAsync("/v1/tickets/batch", $$"""{"tickets":[{{string.Join(',', tickets)}}]}""");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        return [.. answer.Results.Select(result => (string)result!["ticket"]!["id"]!)];
    }

    private static async Task<Dictionary<string, End>> ReadAsync(NpgsqlDataSource database, string user)
    {
        await using var command = database.CreateCommand(
            $"""
            select t.ticket_id::text, t.status::text, t.response, t.error_message,
                array(select error_message from ticket_attempts a where a.ticket_id = t.ticket_id order by epoch)
            from tickets t where user_id = '{user}'
            """);
        Dictionary<string, End> ends = [];
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        while (await reader.ReadAsync(Cancel))
        {
            ends[reader.GetString(0)] = new(
                reader.GetString(1), reader.IsDBNull(2) ? null : reader.GetString(2), reader.IsDBNull(3) ? null : reader.GetString(3),
                reader.GetFieldValue<string[]>(4));
        }

        return ends;
    }

    private void CheckEnd(int number, End end)
    {
        var (kind, fault) = (KindOf(number), FaultOf(number));
        if (IsLost(number))
        {
            Assert.Equal(("failed", null), (end.Status, end.Response));
            Assert.Contains(fault!.Cause, end.Error, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal(("succeeded", $"{number}"), (end.Status, end.Response));
        }

        // Waiting for a server that is away or busy is no attempt. One in a batch is asked again by itself.
        Assert.Equal(
            (fault, kind) switch
            {
                (null or { Name: Busy }, _) => 0,
                ({ Times: 1 }, "open-inference") when !_metAlone[number] => 0,
                ({ Times: 1 }, _) or (_, "onnx") => 1,
                _ => 3,
            },
            end.Attempts.Count);
        Assert.All(end.Attempts, attempt => Assert.Contains(fault!.Cause, attempt, StringComparison.Ordinal));
        if (kind is not ("onnx" or "open-inference"))
        {
            var refused = fault?.Name == Busy ? 1 : 0;
            Assert.Equal(end.Attempts.Count + refused + (IsLost(number) ? 0 : 1), _requests[number]);
        }
    }

    /// <param name="Name">As <see cref="EndpointFault"/> has it.</param>
    /// <param name="Times">For how many requests of its ticket.</param>
    /// <param name="Cause">A part of what is said of it.</param>
    private sealed record Fault(string Name, int Times, string Cause);

    private sealed record End(string Status, string? Response, string? Error, IReadOnlyList<string> Attempts);
}
