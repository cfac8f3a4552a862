using TicketApp.Api.Facades;

namespace TicketApp.Tests.Facades.Unit;

/// <summary>A text that is told again and again from its beginning, to a listener who hears each part once.</summary>
public sealed class HeardTextTests
{
    [Fact]
    public void A_second_telling_continues_after_the_first_wherever_its_pieces_end()
    {
        HeardText output = new(TextMark.Start);

        Assert.Equal(["Once ", "upon"], Tell(output, "Once ", "upon"));
        Assert.Equal(["", "", " a", " time"], Tell(output, "On", "ce up", "on a", " time"));
        Assert.True(output.IsHeard);
    }

    [Fact]
    public void A_telling_that_contradicts_the_first_is_not_heard_and_the_next_one_may_be()
    {
        HeardText output = new(TextMark.Start);
        Tell(output, "Once upon");

        Assert.Equal(["", ""], Tell(output, "Once more ", "with feeling"));
        Assert.False(output.IsHeard);
        Assert.Equal([" a time"], Tell(output, "Once upon a time"));
    }

    [Fact]
    public void A_telling_that_is_shorter_than_what_was_heard_is_not_all_of_it()
    {
        HeardText output = new(TextMark.Start);
        Tell(output, "Once upon");

        Assert.Equal([""], Tell(output, "Once"));
        Assert.False(output.IsHeard);
    }

    [Fact]
    public void A_listener_that_comes_back_continues_by_its_mark_alone()
    {
        HeardText first = new(TextMark.Start);
        Tell(first, "Once upon");

        Assert.Equal(["", " a time"], Tell(new(TextMark.Parse(first.Heard.ToString())), "Once", " upon a time"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("9")]
    [InlineData("-9-0")]
    [InlineData("9-x")]
    [InlineData("9999999999-0")]
    [InlineData("5-1-1")]
    public void What_is_no_mark_is_the_beginning(string? text) => Assert.Equal(TextMark.Start, TextMark.Parse(text));

    private static string[] Tell(HeardText output, params string[] pieces)
    {
        output.Begin();
        return [.. pieces.Select(output.Tell)];
    }
}
