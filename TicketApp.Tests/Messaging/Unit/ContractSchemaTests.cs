using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Messaging.Unit;

/// <summary>The schemas in docs/schemas and the classes of the messages say the same.</summary>
public sealed class ContractSchemaTests
{
    private const string Ids =
        "\"ticket_id\":\"01a205c3-9b52-7722-9296-5d0b2d8ba128\",\"user_id\":\"01a205c3-9b52-7722-9296-5d0b2d8ba129\"";

    private static readonly Dictionary<string, (JsonElement Schema, JsonTypeInfo Type)> _types = new()
    {
        ["a ticket"] = (Part(ContractSchemas.Ticket, "ticket"), ContractJson.Default.TicketMessage),
        ["a report"] = (Part(ContractSchemas.Report, "report"), ContractJson.Default.WorkerReport),
        ["an offer"] = (Part(ContractSchemas.Report, "offer"), ContractJson.Default.ModelOffer),
        ["a run"] = (Part(ContractSchemas.Report, "run"), ContractJson.Default.RunReference),
        ["a cancellation"] = (ContractSchemas.Cancellation.Text, ContractJson.Default.CancellationMessage),
        ["an unused schema"] = (Part(ContractSchemas.Cancellation, "unused_schema"), ContractJson.Default.UnusedSchema),
        ["an error"] = (ContractSchemas.Error.Text, ContractJson.Default.ErrorMessage),
    };

    public static TheoryData<string> Messages => [.. _types.Keys];

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_schema_has_the_members_of_its_message_and_requires_what_that_requires(string message)
    {
        var (schema, type) = _types[message];
        var members = type.Properties.Where(member => member.Get is not null).ToArray();

        Assert.Equal(
            members.Select(member => member.Name).Order(StringComparer.Ordinal),
            schema.GetProperty("properties").EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal));
        Assert.Subset(
            schema.GetProperty("required").EnumerateArray().Select(member => member.GetString()!).ToHashSet(),
            members.Where(member => member.IsRequired).Select(member => member.Name).ToHashSet());
    }

    [Fact]
    public void Tickets_are_written_as_their_schema_says()
    {
        TicketMessage least = new()
        {
            TicketId = Guid.CreateVersion7(),
            UserId = Guid.CreateVersion7(),
            Model = "simulated",
            Attempt = 1,
            Epoch = 1,
            Deadline = DateTimeOffset.UtcNow,
        };
        var most = least with
        {
            Input = "grüße \u0001 😀",
            StartWithinSeconds = 25,
            ExecutionTimeoutSeconds = 60,
            TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        };

        Assert.Empty(ContractSchemas.Ticket.Defects(ContractJson.Serialize(least, ContractJson.Default.TicketMessage)));
        var json = least with { Input = new Payload("""{"a":[1,null]}""", IsJson: true) };
        Assert.Empty(ContractSchemas.Ticket.Defects(
            ContractJson.Serialize([least, most, json], ContractJson.Default.IReadOnlyListTicketMessage)));
    }

    [Fact]
    public void Reports_are_written_as_their_schema_says()
    {
        WorkerReport worker = new() { Worker = "w", Type = ReportType.Heartbeat };
        var ticket = worker with { TicketId = Guid.CreateVersion7(), UserId = Guid.CreateVersion7(), Epoch = 3, RunMilliseconds = 12 };
        ModelOffer offer = new()
        {
            Name = "m",
            Description = "d",
            InputRequired = true,
            MaxInputCharacters = 10,
            LargestBatch = 1,
            Slots = 4,
            IsUnavailable = true,
        };
        WorkerReport[] reports =
        [
            ticket with { Type = ReportType.Finished, Response = "", Details = JsonElement.Parse("""{"probability":0.97}""") },
            ticket with { Type = ReportType.Finished, Response = new Payload("[false]", IsJson: true) },
            ticket with { Type = ReportType.Failed, ErrorType = "e", ErrorMessage = "m", IsFinal = true, RetryAfterMilliseconds = 5 },
            ticket with { Type = ReportType.Started, ExecutionTimeoutMilliseconds = 420_000 },
            ticket with { Type = ReportType.Progress, Sequence = 1, Fraction = 0, Text = "t" },
            ticket with { Type = ReportType.Returned },
            ticket with { Type = ReportType.Redelivered, RunMilliseconds = 0 },
            worker with { Type = ReportType.Probe },
            worker with { Models = [], Runs = [] },
            worker with { Models = [offer, new() { Name = "least", Description = "d" }], Runs = [new(ticket.TicketId, ticket.Epoch)] },
        ];

        Assert.All(reports, report =>
            Assert.Empty(ContractSchemas.Report.Defects(ContractJson.Serialize(report, ContractJson.Default.WorkerReport))));
        Assert.Empty(ContractSchemas.Report.Defects(ContractJson.Serialize(reports, ContractJson.Default.IReadOnlyListWorkerReport)));
    }

    [Fact]
    public void Cancellations_and_errors_are_written_as_their_schemas_say()
    {
        CancellationMessage cancellation = new() { Runs = [new(Guid.CreateVersion7(), 2)], RememberSeconds = 30 };
        ErrorMessage unreadable = new() { Message = "m", Reason = "unreadable", Queue = "tickets", Body = "]", BodyEncoding = "utf-8" };
        ErrorMessage failed = new()
        {
            Message = "m",
            Reason = "worker_lost",
            TicketId = Guid.CreateVersion7(),
            UserId = Guid.CreateVersion7(),
            ProcessingTimeInSeconds = 0.5,
        };

        Assert.Empty(ContractSchemas.Cancellation.Defects(
            ContractJson.Serialize(cancellation, ContractJson.Default.CancellationMessage)));
        Assert.All([unreadable, failed], error =>
            Assert.Empty(ContractSchemas.Error.Defects(ContractJson.Serialize(error, ContractJson.Default.ErrorMessage))));
    }

    [Theory]
    [InlineData("""{"type":"finished","IDS","epoch":1,"response":"r"}""")]
    [InlineData("""{"worker":"","IDS","epoch":1,"response":"r"}""")]
    [InlineData("""{"worker":"w","user_id":"01a205c3-9b52-7722-9296-5d0b2d8ba128","epoch":1,"response":"r"}""")]
    [InlineData("""{"worker":"w","IDS","response":"r"}""")]
    [InlineData("""{"worker":"w","IDS","epoch":0,"response":"r"}""")]
    [InlineData("""{"worker":"w","IDS","epoch":1}""")]
    [InlineData("""{"worker":"w","IDS","epoch":1,"response":null}""")]
    [InlineData("""{"worker":"w","IDS","epoch":1,"response":"r","details":[]}""")]
    [InlineData("""{"type":"progress","worker":"w","IDS","epoch":1,"sequence":1,"fraction":1.5}""")]
    [InlineData("""{"type":"unheard-of","worker":"w","IDS","epoch":1}""")]
    [InlineData("""{"type":"heartbeat","worker":"w","models":[{"name":"m"}]}""")]
    [InlineData("""{"type":"heartbeat","worker":"w","models":[{"name":"m","description":"d","slots":-1}]}""")]
    public void What_the_schema_refuses_the_api_refuses(string report)
    {
        var body = Bytes(report);

        Assert.NotEmpty(ContractSchemas.Report.Defects(body));
        Assert.NotNull(Assert.Single(MessageReader.ReadReports(body)).Defect);
    }

    [Fact]
    public void Members_that_are_not_known_are_ignored()
    {
        var ticket = Bytes("""{"IDS","model":"m","attempt":1,"epoch":1,"deadline":"2030-01-01T00:00:00+00:00","new":{"a":[1]}}""");
        var report = Bytes("""{"worker":"w","IDS","epoch":1,"response":"r","new":{"a":[1]}}""");

        Assert.Empty(ContractSchemas.Ticket.Defects(ticket));
        Assert.NotNull(Assert.Single(MessageReader.ReadTickets(ticket)).Value);
        Assert.Empty(ContractSchemas.Report.Defects(report));
        Assert.NotNull(Assert.Single(MessageReader.ReadReports(report)).Value);
    }

    private static byte[] Bytes(string message) => Encoding.UTF8.GetBytes(message.Replace("\"IDS\"", Ids, StringComparison.Ordinal));

    private static JsonElement Part(ContractSchemas schema, string name) => schema.Text.GetProperty("$defs").GetProperty(name);
}
