using System.Text;
using System.Text.Json;
using CsCheck;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models;

namespace TicketApp.Tests.Messaging.Unit;

/// <summary>Inputs and responses on their way through messages.</summary>
public sealed class PayloadTests
{
    private const string Id = "01a205c3-9b52-7722-9296-5d0b2d8ba128";

    [Fact]
    public void Any_JSON_comes_through_messages_as_it_was_but_for_the_white_space()
    {
        AnyJson.Values.Sample(json =>
        {
            var body = $$"""
                [{"ticket_id":"{{Id}}","user_id":"{{Id}}","model":"m","input":{{json.Spaced}},"attempt":1,"epoch":1,
                  "deadline":"2026-11-22T01:02:03Z"}]
                """;
            var ticket = Assert.Single(MessageReader.ReadTickets(Encoding.UTF8.GetBytes(body))).Value!;
            Assert.Equal(new Payload(json.Text, IsJson: true), ticket.Input);

            var answer = ModelAnswer.Json(json.Spaced).Response;
            WorkerReport report = new() { Worker = "w", TicketId = ticket.TicketId, Epoch = 1, Response = answer };
            var sent = ContractJson.Serialize([report, report], ContractJson.Default.IReadOnlyListWorkerReport);
            Assert.Contains($"\"response\":{json.Text}", Encoding.UTF8.GetString(sent), StringComparison.Ordinal);
            Assert.All(MessageReader.ReadReports(sent), element => Assert.Equal(ticket.Input, element.Value!.Response));
        });
    }

    [Theory]
    [InlineData("\"text\"", "text", false)]
    [InlineData("\"{}\"", "{}", false)]
    [InlineData("\"\\u00fc\\n\"", "\u00fc\n", false)]
    [InlineData(" [ 1 , \"\\u00fc \" ] ", "[1,\"\\u00fc \"]", true)]
    [InlineData("1e400", "1e400", true)]
    [InlineData("{\"a\":1,\"a\" : 12345678901234567890}", "{\"a\":1,\"a\":12345678901234567890}", true)]
    [InlineData("[\"\\u0000\\ud800\"]", "[\"\\u0000\\ud800\"]", true)]
    public void A_string_is_a_text_and_all_else_is_kept_as_it_is_written(string json, string text, bool isJson)
    {
        Assert.Equal(new Payload(text, isJson), ModelAnswer.Json(json).Response);
        Assert.Equal(new Payload(text, isJson), ((ModelAnswer)JsonElement.Parse(json)).Response);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("nonsense")]
    [InlineData("{} {}")]
    [InlineData("[1,]")]
    public void What_is_no_JSON_value_is_no_answer(string json)
    {
        Assert.ThrowsAny<JsonException>(() => ModelAnswer.Json(json));
    }

    [Fact]
    public void JSON_is_nested_64_deep_at_most_and_one_that_is_deeper_takes_no_other_with_it()
    {
        var (deep, deeper) = (Nested(64), Nested(65));
        Assert.Equal(deep, ModelAnswer.Json(deep).Response.Text);
        Assert.ThrowsAny<JsonException>(() => ModelAnswer.Json(deeper));

        string[] reports = [.. new[] { deep, deeper, Nested(500), "1" }.Select(
            response => $$"""{"worker":"w","ticket_id":"{{Id}}","epoch":1,"response":{{response}}}""")];
        var elements = MessageReader.ReadReports(Encoding.UTF8.GetBytes($"[{string.Join(',', reports)}]"));
        Assert.Equal([deep, null, null, "1"], elements.Select(element => element.Value?.Response?.Text));
        Assert.Equal([null, "$.response", "$.response", null], elements.Select(element => element.Defect?.Split(' ')[7].TrimEnd(',')));

        static string Nested(int depth) => new string('[', depth) + new string(']', depth);
    }
}
