using TicketApp.Api.Completion;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Completion;

/// <summary>What is kept of workers and of the models that they announce.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class AnnouncedModelTests(DatabaseServer server)
{
    private const string ModelSql =
        """
        select concat_ws(' ', name, description, input_required, max_input_characters, largest_batch, kind, input_schema_id, input_schema)
        from models
        """;

    private static readonly ModelOffer _offer = new()
    {
        Name = "m",
        Description = "d",
        MaxInputCharacters = 5,
        LargestBatch = 6,
        Kind = "chat",
        InputSchemaId = "1",
        InputSchema = new("{}", IsJson: true),
        Slots = 2,
    };

    /// <summary>Each with one thing that is different, and what is known then.</summary>
    public static TheoryData<string, string> Changes { get; } = new()
    {
        { "description", "m D f 5 6 chat 1 {}" },
        { "required", "m d t 5 6 chat 1 {}" },
        { "characters", "m d f 7 6 chat 1 {}" },
        { "batch", "m d f 5 8 chat 1 {}" },
        { "kind", "m d f 5 6 other 1 {}" },
        { "no kind", "m d f 5 6 1 {}" },
        { "schema", "m d f 5 6 chat 2 []" },
        { "nothing", "m d f 5 6 chat 1 {}" },
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task What_a_model_says_of_itself_replaces_what_it_said_before(string change, string known)
    {
        await using var ticket = await ScratchTicket.CreateAsync(server);
        await ticket.ApplyAsync(Heartbeat("w", _offer));

        await ticket.ApplyAsync(Heartbeat("w", change switch
        {
            "description" => _offer with { Description = "D" },
            "required" => _offer with { InputRequired = true },
            "characters" => _offer with { MaxInputCharacters = 7 },
            "batch" => _offer with { LargestBatch = 8 },
            "kind" => _offer with { Kind = "other" },
            "no kind" => _offer with { Kind = null },
            "schema" => _offer with { InputSchemaId = "2", InputSchema = new("[]", IsJson: true) },
            _ => _offer,
        }));

        Assert.Equal(known, await ticket.Database.ValueAsync<string>(ModelSql));
    }

    [Fact]
    public async Task The_schema_of_a_model_stays_until_another_comes_or_its_workers_have_none()
    {
        const string Kept = "select coalesce(input_schema_id || ' ' || input_schema, 'none') from models";
        await using var ticket = await ScratchTicket.CreateAsync(server);
        ModelOffer none = new() { Name = "m", Description = "d", Slots = 1 };
        var (one, two) = (none with { InputSchemaId = "1" }, none with { InputSchemaId = "2" });
        Payload first = new("""{"type":"object"}""", IsJson: true);
        // Each with what is there after it.
        (ModelOffer[] Said, string Kept)[] steps =
        [
            ([one], "none"),
            // The one that has it need not be the last in a batch, nor of the same worker.
            ([one with { InputSchema = first }, one], """1 {"type":"object"}"""),
            ([one], """1 {"type":"object"}"""),
            ([two], """1 {"type":"object"}"""),
            ([two with { InputSchema = new("{}", IsJson: true) }], "2 {}"),
            ([one with { InputSchema = first }, two], "2 {}"),
            ([none], "none"),
            ([none with { InputSchema = first }], "none"),
            // What cannot be one is kept as nothing: the list of models warns of it.
            ([one with { InputSchema = new($"[{new string(' ', InputSchema.MaxBytes)}]", IsJson: true) }], "1 "),
            ([two with { InputSchema = "a text" }], "2 "),
        ];

        foreach (var (said, kept) in steps)
        {
            var beats = said.Select((offer, i) => Heartbeat($"w{i}", offer));
            await ticket.ApplyAsync([.. beats]);
            Assert.Equal(kept, await ticket.Database.ValueAsync<string>(Kept));
        }
    }

    [Fact]
    public async Task Without_news_a_model_is_written_once_a_minute_so_that_it_is_seen_and_seldom_written()
    {
        const string Version = "select xmin::text from models";
        await using var ticket = await ScratchTicket.CreateAsync(server);
        var beat = Heartbeat("w", _offer);
        await ticket.ApplyAsync(beat);
        var written = await ticket.Database.ValueAsync<string>(Version);
        await ticket.ApplyAsync(beat);
        await ticket.ApplyAsync(Heartbeat("w", _offer with { InputSchema = null }));
        Assert.Equal(written, await ticket.Database.ValueAsync<string>(Version));

        await ticket.Database.ExecuteAsync("update models set last_seen = now() - interval '61 s'");
        await ticket.ApplyAsync(beat);

        Assert.True(await ticket.Database.ValueAsync<bool>("select last_seen > now() - interval '30 s' from models"));
    }

    [Fact]
    public async Task A_made_up_model_is_not_kept_beyond_a_thousand_and_a_known_one_is()
    {
        await using var ticket = await ScratchTicket.CreateAsync(server);
        await ticket.Database.ExecuteAsync(
            """
            insert into models (name, description, input_required, max_input_characters, largest_batch, last_seen)
            select 'known-' || i, 'd', false, 1, 1, now() from generate_series(1, 999) i
            """);

        await ticket.ApplyAsync(Heartbeat("w", _offer with { Name = "last" }));
        await ticket.ApplyAsync(Heartbeat("w", _offer with { Name = "one-too-many" }, _offer with { Name = "known-7" }));

        Assert.Equal(1000, await ticket.Database.ValueAsync<long>("select count(*) from models"));
        Assert.Equal("known-7 last", await ticket.Database.ValueAsync<string>(
            "select string_agg(name, ' ' order by name) from models where max_input_characters = 5"));
    }

    [Fact]
    public async Task The_last_that_a_worker_said_counts_with_all_of_its_models()
    {
        await using var ticket = await ScratchTicket.CreateAsync(server);
        await ticket.ApplyAsync(
            Heartbeat("w", _offer), Heartbeat("v", _offer with { Slots = 9 }),
            Heartbeat("w", _offer with { Slots = 3, IsUnavailable = true }, _offer with { Name = "n", Slots = 4 }));
        Assert.Equal("""v 9 {"m": 9} [],w 7 {"m": 3, "n": 4} ["m"]""", await WorkersAsync());

        await ticket.Database.ExecuteAsync("update workers set last_seen = now() - interval '1 day'");
        await ticket.ApplyAsync(Heartbeat("w", _offer));
        Assert.Equal("""v 9 {"m": 9} [],w 2 {"m": 2} []""", await WorkersAsync());
        Assert.Equal("w", await ticket.Database.ValueAsync<string>(
            "select worker from workers where last_seen > now() - interval '1 minute'"));

        // A heartbeat of runs alone, as of a worker in another language, says nothing of models.
        await ticket.ApplyAsync(new WorkerReport { Type = ReportType.Heartbeat, Worker = "w" });
        Assert.Equal("""v 9 {"m": 9} [],w 2 {"m": 2} []""", await WorkersAsync());

        Task<string> WorkersAsync() => ticket.Database.ValueAsync<string>(
            "select string_agg(concat_ws(' ', worker, slots, models, unavailable), ',' order by worker) from workers");
    }

    [Fact]
    public async Task Workers_are_forgotten_after_an_hour_some_at_a_time()
    {
        await using var ticket = await ScratchTicket.CreateAsync(server);
        await ticket.ApplyAsync(
            Heartbeat("a", _offer with { Name = "a" }),
            Heartbeat("b", _offer with { Name = "b" }),
            Heartbeat("c", _offer with { Name = "c" }));
        await ticket.Database.ExecuteAsync(
            "update workers set last_seen = now() - case worker when 'c' then interval '59 minutes' else interval '61 minutes' end");

        Assert.Equal(1, await WorkerStatements.Expiry.RemoveAsync(ticket.Database.Source, 1, Cancel));
        Assert.Equal(1, await WorkerStatements.Expiry.RemoveAsync(ticket.Database.Source, 9, Cancel));
        Assert.Equal(0, await WorkerStatements.Expiry.RemoveAsync(ticket.Database.Source, 9, Cancel));

        Assert.Equal("c", await ticket.Database.ValueAsync<string>("select string_agg(worker, ' ') from workers"));
    }

    private static WorkerReport Heartbeat(string worker, params ModelOffer[] models) =>
        new() { Type = ReportType.Heartbeat, Worker = worker, Models = models };
}
