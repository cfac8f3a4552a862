using System.Text;
using System.Text.Json;
using TicketApp.Messaging;

namespace TicketApp.Tests.Messaging.Unit;

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

        var one = MessageReader.ReadTickets(JsonSerializer.SerializeToUtf8Bytes(ticket, ContractJson.Default.TicketMessage));
        Assert.Equal([ticket], one.Select(element => element.Value));

        var list = JsonSerializer.SerializeToUtf8Bytes([ticket, ticket], ContractJson.Default.IReadOnlyListTicketMessage);
        var many = MessageReader.ReadTickets(list);
        Assert.Equal([ticket, ticket], many.Select(element => element.Value));
    }

    [Fact]
    public void A_report_without_a_type_is_a_result_as_in_the_original()
    {
        var body = $$"""{"ticket_id":"{{Id}}","user_id":"{{Id}}","response":"Happy message","worker":"w","epoch":1}""";

        var report = Assert.Single(MessageReader.ReadReports(Encoding.UTF8.GetBytes(body))).Value!;
        Assert.Equal(ReportType.Finished, report.Type);
        Assert.Equal("Happy message", report.Response);
    }

    [Fact]
    public void Many_reports_share_a_message()
    {
        var body = $$"""
            [{"type":"heartbeat","worker":"w","models":[{"name":"m","description":"d","slots":3}],
              "runs":[{"ticket_id":"{{Id}}","epoch":2}]},
             {"type":"failed","worker":"w","ticket_id":"{{Id}}","user_id":"{{Id}}","epoch":2,"error_type":"model_error"}]
            """;

        var reports = MessageReader.ReadReports(Encoding.UTF8.GetBytes(body)).Select(element => element.Value!).ToArray();
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
    [InlineData(
        $$$"""{"worker":"w","ticket_id":"{{{Id}}}","epoch":1,"response":"x","details":{"a":"\ud83d"}}""", "details has half a character")]
    [InlineData($$"""{"type":"progress","worker":"w","ticket_id":"{{Id}}","epoch":1,"text":"\u0000"}""", "text contains U+0000")]
    [InlineData(
        $$"""{"type":"progress","worker":"w","ticket_id":"{{Id}}","epoch":1,"fraction":1e400}""", "fraction is not between 0 and 1")]
    [InlineData(
        """{"type":"heartbeat","worker":"w","models":[{"name":"a","description":"d","kind":""}]}""",
        "a model with a kind that is no word")]
    [InlineData(
        """{"type":"heartbeat","worker":"w","models":[{"name":"a","description":"d","kind":"a\u0000"}]}""",
        "a model with a kind that is no word")]
    [InlineData(
        """{"type":"heartbeat","worker":"w","models":[null]}""",
        "a model without a name or description, or with other than 0 to 1000000 slots")]
    [InlineData(
        """{"type":"heartbeat","worker":"w","models":[{"name":"a","description":"d","slots":2147483647},"""
        + """{"name":"b","description":"d","slots":1}]}""",
        null)]
    [InlineData("""{"type":"heartbeat","worker":""}""", "worker is empty, too long or has U+0000")]
    [InlineData($$"""{"worker":"w","ticket_id":"{{Id}}","epoch":1,"response":"x","run_milliseconds":-1}""", "a number is below zero")]
    [InlineData($$"""{"worker":null,"ticket_id":"{{Id}}","epoch":1,"response":"x"}""", null)]
    [InlineData($$"""{"type":"surprise","worker":"w","ticket_id":"{{Id}}","epoch":1}""", null)]
    [InlineData($$"""{"worker":"w","ticket_id":"{{Id}}","epoch":99999999999,"response":"x"}""", null)]
    public void An_unreadable_report_is_refused_with_a_reason(string body, string? expected)
    {
        var element = Assert.Single(MessageReader.ReadReports(Encoding.UTF8.GetBytes(body)));
        var reason = element.Defect;
        Assert.Null(element.Value);
        Assert.False(string.IsNullOrWhiteSpace(reason));
        Assert.Equal(body.Trim('[', ']'), Encoding.UTF8.GetString(element.Body.Span));
        if (expected is not null)
        {
            Assert.Equal(expected, reason);
        }
    }

    [Fact]
    public void Details_have_a_limit()
    {
        var body = $$$"""
            {"worker":"w","ticket_id":"{{{Id}}}","epoch":1,"response":"x","details":{"a":"{{{new string('a', 20_000)}}}"}}
            """;

        var element = Assert.Single(MessageReader.ReadReports(Encoding.UTF8.GetBytes(body)));
        Assert.Equal("details has more than 20000 characters", element.Defect);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("1")]
    [InlineData("{}")]
    public void A_message_with_more_elements_than_anybody_sends_is_refused_as_a_whole(string element)
    {
        var body = Encoding.UTF8.GetBytes($"[{string.Join(',', Enumerable.Repeat(element, 1001))}]");

        Assert.Equal("more than 1000 elements", Assert.Single(MessageReader.ReadReports(body)).Defect);
        Assert.Equal("more than 1000 elements", Assert.Single(MessageReader.ReadTickets(body)).Defect);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"type":"heartbeat","worker":"w"}""")]
    [InlineData("""{"a":[[1,{}]]}""")]
    public void Elements_of_a_long_message_are_counted_before_they_take_memory(string element)
    {
        var body = Encoding.UTF8.GetBytes($"[{string.Join(',', Enumerable.Repeat(element, 9_000_000 / element.Length))}]");
        var before = GC.GetAllocatedBytesForCurrentThread();

        var refused = Assert.Single(MessageReader.ReadReports(body));

        Assert.Equal("more than 1000 elements", refused.Defect);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Fact]
    public void A_bad_report_takes_no_other_with_it()
    {
        var good = $$"""{"worker":"w","ticket_id":"{{Id}}","epoch":1,"response":"x"}""";
        string[] bad =
        [
            "null",
            "1",
            "{}",
            """{"type":"surprise","worker":"w"}""",
            $$"""{"worker":"w","ticket_id":"{{Id}}","epoch":0,"response":"x"}""",
        ];

        var body = $"[{good},{string.Join(',', bad.Select(one => $"{one},{good}"))}]";
        var elements = MessageReader.ReadReports(Encoding.UTF8.GetBytes(body));

        Assert.Equal(bad.Length + 1, elements.Count(element => element is { Value.Response: { Text: "x" }, Defect: null }));
        var refused = elements.Where(element => element.Defect is not null);
        Assert.Equal(bad, refused.Select(element => Encoding.UTF8.GetString(element.Body.Span)));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData($$"""{"ticket_id":"{{Id}}","user_id":"{{Id}}","model":"m","attempt":1,"deadline":"2026-11-22T00:00:00Z"}""")]
    [InlineData($$"""{"ticket_id":"{{Id}}","user_id":"{{Id}}","model":"m","attempt":1,"epoch":0,"deadline":"2026-11-22T00:00:00Z"}""")]
    [InlineData($$"""{"ticket_id":"x","user_id":"{{Id}}","model":"m","attempt":1,"epoch":1,"deadline":"2026-11-22T00:00:00Z"}""")]
    public void An_unreadable_ticket_is_refused_with_a_reason(string body)
    {
        var element = Assert.Single(MessageReader.ReadTickets(Encoding.UTF8.GetBytes(body)));
        Assert.Null(element.Value);
        Assert.False(string.IsNullOrWhiteSpace(element.Defect));
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused()
    {
        Assert.Equal("not UTF-8", Assert.Single(MessageReader.ReadReports(new byte[] { 0xFF, 0xFE, 0x00 })).Defect);
    }
}
