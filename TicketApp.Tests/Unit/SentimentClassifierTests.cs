using System.Text;
using TicketApp.Sentiment;

namespace TicketApp.Tests.Unit;

/// <summary>The committed weights on any text there can be.</summary>
public sealed class SentimentClassifierTests
{
    private const int LongText = 100_000;

    private static readonly SentimentClassifier _classifier = SentimentClassifier.Load();

    [Theory]
    [InlineData("I love this, it made my day!", true)]
    [InlineData("WHAT A WONDERFUL MOVIE", true)]
    [InlineData("The best thing I've seen in years \ud83d\ude0d", true)]
    [InlineData("😀", true)]
    [InlineData("This is terrible. I want my money back.", false)]
    [InlineData("boring, predictable and far too long", false)]
    [InlineData("It isn't funny at all", false)]
    [InlineData("👎👎", false)]
    public void It_tells_happy_from_sad(string text, bool happy) => Assert.Equal(happy, _classifier.Classify(text) >= 0.5);

    [Theory]
    [InlineData("")]
    [InlineData(" \t\r\n\u00a0\u3000")]
    [InlineData("\u200b\ufeff\u0000\u0007")]
    public void A_text_without_words_is_as_likely_one_as_the_other(string text) => Assert.Equal(0.5, _classifier.Classify(text));

    [Theory]
    [InlineData("a")]
    [InlineData("a ")]
    [InlineData("-")]
    [InlineData("'")]
    [InlineData("n't ")]
    [InlineData("-lrb-")]
    [InlineData("\u0301")]
    [InlineData("👨\u200d👩\u200d👧")]
    [InlineData("漢")]
    [InlineData("good bad . ")]
    public void A_long_text_takes_no_more_memory_than_a_short_one(string part)
    {
        var text = string.Concat(Enumerable.Repeat(part, LongText / part.Length));
        AssertProbability(_classifier.Classify(part));

        var before = GC.GetAllocatedBytesForCurrentThread();
        var probability = _classifier.Classify(text);

        // Counted in steps of some kilobytes; the text alone has several hundred.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 32 * 1024);
        AssertProbability(probability);
    }

    [Fact]
    public void Any_text_gets_the_same_answer_each_time_and_on_each_thread()
    {
        Random random = new(20_26);
        var texts = Enumerable.Range(0, 2000).Select(_ => RandomText(random)).ToArray();
        var answers = Array.ConvertAll(texts, text => _classifier.Classify(text));

        Assert.All(answers, AssertProbability);
        Parallel.For(0, texts.Length, i => Assert.Equal(answers[i], _classifier.Classify(texts[i])));
    }

    [Fact]
    public void Capitals_make_no_difference()
    {
        Random random = new(7);
        var texts = Enumerable.Range(0, 500).Select(_ => RandomWords(random));
        Assert.All(texts, text => Assert.Equal(_classifier.Classify(text), _classifier.Classify(text.ToUpperInvariant())));
    }

    private static void AssertProbability(double probability) => Assert.InRange(probability, 0, 1);

    /// <summary>Scalar values of all planes, the odd ones more often than they deserve.</summary>
    private static string RandomText(Random random)
    {
        StringBuilder text = new();
        for (var i = random.Next(200); i > 0; i--)
        {
            var limit = random.Next(4) switch { 0 => 0x80, 1 => 0x250, 2 => 0x3000, _ => 0x110000 };
            if (Rune.TryCreate(random.Next(limit), out var rune))
            {
                text.Append(rune);
            }
        }

        return text.ToString();
    }

    private static string RandomWords(Random random)
    {
        const string letters = "abcdefghijklmnopqrstuvwxyz'-., ";
        return string.Concat(Enumerable.Range(0, random.Next(300)).Select(_ => letters[random.Next(letters.Length)]));
    }
}
