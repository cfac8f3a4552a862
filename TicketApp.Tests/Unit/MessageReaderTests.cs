using System.Text;
using System.Text.Json;
using TicketApp.Contracts;

namespace TicketApp.Tests.Unit;

public sealed class MessageReaderTests
{
    private const string Id = "01a205c3-9b52-7722-9296-5d0b2d8ba128";

    [Fact]
    public void A_ticket_survives_the_way_through_json()
    {
        TicketMessage ticket = new()
        {
            TicketId = Guid.CreateVersion7(),
            UserId = Guid.CreateVersion7(),
            Model = "simulated",
            Input = "grüße \u0001 😀",
            Attempt = 2,
            Epoch = 3,
            Deadline = new DateTimeOffset(2026, 11, 22, 1, 2, 3, TimeSpan.Zero),
        };

        Assert.True(MessageReader.TryReadTickets(JsonSerializer.SerializeToUtf8Bytes(ticket, ContractJson.Default.TicketMessage), out var read, out _));
        Assert.Equal([ticket], read);

        Assert.True(MessageReader.TryReadTickets(JsonSerializer.SerializeToUtf8Bytes([ticket, ticket], ContractJson.Default.IReadOnlyListTicketMessage), out read, out _));
        Assert.Equal([ticket, ticket], read);
    }

    [Fact]
    public void A_report_without_a_type_is_a_result_as_in_the_original()
    {
        var body = $$"""{"ticket_id":"{{Id}}","user_id":"{{Id}}","response":"Happy message","worker":"w","epoch":1}""";

        Assert.True(MessageReader.TryReadReports(Encoding.UTF8.GetBytes(body), out var reports, out _));
        var report = Assert.Single(reports);
        Assert.Equal(ReportType.Finished, report.Type);
        Assert.Equal("Happy message", report.Response);
    }

    [Fact]
    public void Many_reports_share_a_message()
    {
        var body = $$"""
            [{"type":"heartbeat","worker":"w","models":[{"name":"m","description":"d","slots":3}],"runs":[{"ticket_id":"{{Id}}","epoch":2}]},
             {"type":"failed","worker":"w","ticket_id":"{{Id}}","user_id":"{{Id}}","epoch":2,"error_type":"model_error"}]
            """;

        Assert.True(MessageReader.TryReadReports(Encoding.UTF8.GetBytes(body), out var reports, out _));
        Assert.Equal([ReportType.Heartbeat, ReportType.Failed], reports.Select(report => report.Type));
        Assert.Equal(new RunReference(Guid.Parse(Id), 2), Assert.Single(reports[0].Runs!));
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("nonsense", null)]
    [InlineData("null", "null")]
    [InlineData("[null]", "null in the list of reports")]
    [InlineData("[1]", null)]
    [InlineData("{}", null)]
    [InlineData("""{"worker":"w","epoch":1,"response":"x"}""", "ticket_id is missing")]
    [InlineData($$"""{"worker":"w","ticket_id":"{{Id}}","response":"x"}""", "epoch is missing")]
    [InlineData($$"""{"worker":"w","ticket_id":"{{Id}}","epoch":1}""", "response is missing")]
    [InlineData($$"""{"worker":"w","ticket_id":"{{Id}}","epoch":1,"response":"a\u0000b"}""", "response contains U+0000")]
    [InlineData($$"""{"worker":"w","ticket_id":"{{Id}}","epoch":1,"response":"\ud800"}""", null)]
    [InlineData($$"""{"worker":"w","ticket_id":"{{Id}}","epoch":1,"response":"x","details":[]}""", "details is not an object")]
    [InlineData($$"""{"type":"progress","worker":"w","ticket_id":"{{Id}}","epoch":1,"text":"\u0000"}""", "text contains U+0000")]
    [InlineData("""{"type":"heartbeat","worker":"w","models":[null]}""", "a model without a description or slots")]
    [InlineData($$"""{"worker":null,"ticket_id":"{{Id}}","epoch":1,"response":"x"}""", null)]
    [InlineData($$"""{"type":"surprise","worker":"w","ticket_id":"{{Id}}","epoch":1}""", null)]
    [InlineData($$"""{"worker":"w","ticket_id":"{{Id}}","epoch":99999999999,"response":"x"}""", null)]
    public void An_unreadable_report_is_refused_with_a_reason(string body, string? expected)
    {
        Assert.False(MessageReader.TryReadReports(Encoding.UTF8.GetBytes(body), out _, out var reason));
        Assert.False(string.IsNullOrWhiteSpace(reason));
        if (expected is not null)
        {
            Assert.Equal(expected, reason);
        }
    }

    [Theory]
    [InlineData("{}")]
    [InlineData($$"""{"ticket_id":"{{Id}}","user_id":"{{Id}}","model":"m","attempt":1,"deadline":"2026-11-22T00:00:00Z"}""")]
    [InlineData($$"""{"ticket_id":"{{Id}}","user_id":"{{Id}}","model":"m","attempt":1,"epoch":0,"deadline":"2026-11-22T00:00:00Z"}""")]
    [InlineData($$"""{"ticket_id":"x","user_id":"{{Id}}","model":"m","attempt":1,"epoch":1,"deadline":"2026-11-22T00:00:00Z"}""")]
    public void An_unreadable_ticket_is_refused_with_a_reason(string body)
    {
        Assert.False(MessageReader.TryReadTickets(Encoding.UTF8.GetBytes(body), out _, out var reason));
        Assert.False(string.IsNullOrWhiteSpace(reason));
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused()
    {
        Assert.False(MessageReader.TryReadReports([0xFF, 0xFE, 0x00], out _, out var reason));
        Assert.Equal("not UTF-8", reason);
    }
}
