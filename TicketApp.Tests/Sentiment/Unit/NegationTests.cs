using TicketApp.Sentiment.Text;
using TicketApp.Sentiment.Weights;

namespace TicketApp.Tests.Sentiment.Unit;

/// <summary>What the sentiment model takes as the opposite of what it says.</summary>
public sealed class NegationTests
{
    [Theory]
    [InlineData("It is not bad at all.", "bad at all")]
    [InlineData("It isn't bad", "bad")]
    [InlineData("NEVER boring, always slow", "boring")]
    [InlineData("no complaints", "complaints")]
    [InlineData("I don't dislike it but the price is high", "dislike it")]
    [InlineData("not one two three four five", "one two three")]
    [InlineData("nothing is not bad", "is bad")]
    [InlineData("hardly any charm", "any charm")]
    [InlineData("not only good", "")]
    [InlineData("good. Bad", "")]
    [InlineData("It could have been worse.", "been worse")]
    [InlineData("It would've worked", "worked")]
    [InlineData("It would not have worked", "have worked")]
    [InlineData("lacks charm", "charm")]
    [InlineData("It could be worse", "")]
    [InlineData("we have fun", "")]
    [InlineData("I couldn't be happier", "be")]
    [InlineData("could not ask for more good", "ask for")]
    [InlineData("it would not be better", "be better")]
    public void A_negation_reaches_up_to_three_words(string text, string expected)
    {
        var passage = Read(text);

        var turned = Enumerable.Range(0, passage.Count).Where(passage.IsNegated).Select(word => passage[word].ToString());

        Assert.Equal(expected, string.Join(' ', turned));
    }

    [Fact]
    public void A_word_and_its_pieces_count_the_other_way_where_a_negation_reaches_them()
    {
        const int step = 3;
        var slots = new int[Features.MaxOfPassage];
        var bad = Read("bad");
        var weights = new sbyte[Features.Slots];
        foreach (var slot in slots[..Features.Words(bad, slots)].Concat(slots[..Features.Pieces(bad, slots)]).ToArray())
        {
            weights[slot] = -step;
        }

        LinearModel model = new(weights, scale: 1);

        Assert.InRange(model.Judge(bad, slots), -100, -2 * step);
        Assert.Equal(-model.Judge(bad, slots), model.Judge(Read("never bad"), slots));
        Assert.Equal(model.Judge(bad, slots), model.Judge(Read("never, bad"), slots));
    }

    private static Passage Read(string text)
    {
        Passage passage = new();
        WordReader reader = new(text, new char[WordReader.MaxWord]);
        Assert.True(passage.Fill(ref reader, vocabulary: null));
        return passage;
    }
}
