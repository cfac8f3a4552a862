using System.Text;
using TicketApp.Api.Tickets;

namespace TicketApp.Tests.Tickets.Unit;

public sealed class TicketRequestTests
{
    private const string Id = "01a205c3-9b52-7722-9296-5d0b2d8ba128";

    [Theory]
    [InlineData($$"""{"user_id":"{{Id}}"}""")]
    [InlineData($$""" { "other" : [1, 2.5e10, {"user_id":"x"}], "user_id" : "{{Id}}" } """)]
    [InlineData("""{"user_\u0069d":"01a205c3-9b52-7722-9296-5d0b2d8ba128"}""")]
    public void A_user_id_is_found(string body)
    {
        Assert.Equal(new TicketRequest(TicketRequestKind.HasUserId, Guid.Parse(Id)), Read(body));
    }

    [Theory]
    [InlineData("""{"user_id":"not-a-uuid"}""")]
    [InlineData("""{"user_id":" "}""")]
    [InlineData("""{"user_id":"\u0000"}""")]
    public void A_string_that_is_no_uuid_belongs_to_nobody(string body)
    {
        Assert.Equal(new TicketRequest(TicketRequestKind.HasUserId, Guid.Empty), Read(body));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"user_id":null}""")]
    [InlineData("""{"user_id":""}""")]
    [InlineData("""{"user_id":17}""")]
    [InlineData("""{"user_id":true}""")]
    [InlineData("""{"user_id":["a"]}""")]
    [InlineData("""{"user_id":{"a":"b"}}""")]
    [InlineData("""{"User_Id":"x"}""")]
    public void A_missing_or_unusable_user_id_is_asked_for(string body)
    {
        Assert.Equal(TicketRequestKind.NoUserId, Read(body).Kind);
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("{")]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("17")]
    [InlineData("\"text\"")]
    [InlineData("""{"user_id":"x",}""")]
    [InlineData("""{"user_id":"x"} trailing""")]
    [InlineData("""{"user_id":"x","user_id":"y"}""")]
    [InlineData("""{"a":{"b":1,"b":2},"user_id":"x"}""")]
    [InlineData("""{"user_id":"x","n":1e999}""")]
    [InlineData("""{"user_id":"x","n":[{"m":-1e400}]}""")]
    [InlineData("""{"user_id":NaN}""")]
    [InlineData("""{"user_id":"\ud800"}""")]
    [InlineData("""{"\ud800":1,"user_id":"x"}""")]
    [InlineData("\uFEFF{}")]
    public void What_is_no_json_object_is_invalid(string body)
    {
        Assert.Equal(TicketRequestKind.Invalid, Read(body).Kind);
    }

    [Fact]
    public void Deep_nesting_is_invalid()
    {
        var nested = new string('[', 10_000) + new string(']', 10_000);

        Assert.Equal(TicketRequestKind.Invalid, Read($$"""{"user_id":"x","a":{{nested}}}""").Kind);
    }

    [Theory]
    [InlineData(new byte[] { 0x7B, 0x22, 0x75, 0x22, 0x3A, 0x22, 0xC3, 0x28, 0x22, 0x7D })]
    [InlineData(new byte[] { 0xFF, 0xFE, 0x7B, 0x00, 0x7D, 0x00 })]
    [InlineData(new byte[] { 0x00 })]
    public void Invalid_utf8_is_invalid(byte[] body)
    {
        Assert.Equal(TicketRequestKind.Invalid, TicketRequest.Read(body).Kind);
    }

    private static TicketRequest Read(string body) => TicketRequest.Read(Encoding.UTF8.GetBytes(body));
}
