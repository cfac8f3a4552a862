using System.Text;
using TicketApp.Sentiment;

namespace TicketApp.Tests.Sentiment.Unit;

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
    [InlineData("𝓣𝓱𝓲𝓼 𝔀𝓪𝓼 𝓱𝓸𝓻𝓻𝓲𝓫𝓵𝓮", "This was horrible")]
    [InlineData("𝚃𝚑𝚒𝚜 𝙬𝙖𝙨 𝕙𝕠𝕣𝕣𝕚𝕓𝕝𝕖", "This was horrible")]
    [InlineData("ℭ𝔥𝔢𝔞𝔭, 𝒽ℴ𝓇𝓇𝒾𝒷𝓁ℯ, ℂℍ𝔼𝔸ℙ", "Cheap, horrible, CHEAP")]
    [InlineData("Ⓣⓗⓘⓢ 🅦🅐🅢 🅗🄾🅁🆁🅸🅱🅻🅴", "This was horrible")]
    [InlineData("⒯⒣⒤⒮ 🄦🄐🄢 ｈｏｒｒｉｂｌｅ", "This was horrible")]
    [InlineData("ᴛʜɪꜱ ʷᵃˢ ʰᵒʳʳⁱᵇˡᵉ", "this was horrible")]
    [InlineData("𝟝 ﬁne oﬃcers ﬂy", "5 fine officers fly")]
    [InlineData("h̶o̶r̶r̶i̶b̶l̶e̶ w⃝a⃝s⃝ this", "horrible was this")]
    public void Letters_in_styles_make_no_difference(string styled, string plain) =>
        Assert.Equal(_classifier.Classify(plain), _classifier.Classify(styled));

    [Theory]
    [InlineData("itâ€™s horrible and I donâ€™t like it", "it’s horrible and I don’t like it")]
    [InlineData("itâ\u0080\u0099s horrible", "it’s horrible")]
    [InlineData("a â€œlovelyâ€\u009d place, a â€œlovelyâ€ place", "a “lovely” place, a “lovely” place")]
    [InlineData("dÃ©licious cafÃ©â€”and cheapÂ\u00a0too", "délicious café—and cheap\u00a0too")]
    [InlineData("not here ðŸ˜¡ðŸ˜¡", "not here 😡😡")]
    public void Text_that_was_read_in_the_wrong_encoding_is_understood(string misread, string meant) =>
        Assert.Equal(_classifier.Classify(meant), _classifier.Classify(misread));

    [Theory]
    [InlineData("\u00c3")]
    [InlineData("good \u00e2\u20ac")]
    [InlineData("\u00f0\u0178\ud83d")]
    [InlineData("le château du bâtard", "le chateau du batard")]
    [InlineData("“UN GRAND CAFÉ”", "\"un grand cafe\"")]
    [InlineData("São João é bom", "sao joao e bom")]
    public void Accents_are_not_taken_for_a_wrong_encoding(string text, string? plain = null) =>
        Assert.Equal(_classifier.Classify(plain ?? text), _classifier.Classify(text));

    [Theory]
    [InlineData("Sooo goood!!!!!", "So good!")]
    [InlineData("I loooooove this", "I love this")]
    [InlineData("it was cooooollll", "it was cool")]
    [InlineData("terrrribleeee, just awwwfulllll", "terrible, just awful")]
    [InlineData("THIS IS THE WOOOOORST!!!", "this is the worst!")]
    public void Stretched_words_and_shouting_read_as_the_plain_words(string loud, string plain) =>
        Assert.Equal(_classifier.Classify(plain), _classifier.Classify(loud));

    [Theory]
    [InlineData("The service was good.", "The service was not good.")]
    [InlineData("It works.", "It doesn't work.")]
    [InlineData("I would recommend it.", "I would not recommend it.")]
    [InlineData("I like this phone.", "I don't like this phone.")]
    [InlineData("It is worth the money.", "It is not worth the money.")]
    public void A_negation_turns_praise_into_complaint(string praise, string complaint)
    {
        Assert.InRange(_classifier.Classify(praise), 0.5, 1);
        Assert.InRange(_classifier.Classify(complaint), 0, 0.4);
    }

    [Theory]
    [InlineData("It is bad.", "It is not bad at all.")]
    [InlineData("It is boring.", "It is never boring.")]
    [InlineData("It is disappointing.", "It isn't disappointing.")]
    [InlineData("It was awful.", "It wasn't awful at all.")]
    public void A_negation_turns_complaint_into_praise(string complaint, string praise)
    {
        Assert.InRange(_classifier.Classify(complaint), 0, 0.4);
        Assert.InRange(_classifier.Classify(praise), 0.5, 1);
    }

    [Theory]
    [InlineData("😍😍😍", 0.6, 1)]
    [InlineData("🥰 🎉", 0.6, 1)]
    [InlineData("💔", 0, 0.4)]
    [InlineData("😡👎🏽", 0, 0.4)]
    [InlineData("🤷", 0.5, 0.5)]
    [InlineData("🎬📦🚗", 0.5, 0.5)]
    public void Emoji_alone_are_judged_right_or_not_at_all(string emoji, double least, double most) =>
        Assert.InRange(_classifier.Classify(emoji), least, most);

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

    [Theory]
    [InlineData("𝓰𝓸𝓸𝓭 ")]
    [InlineData("ﬃ")]
    [InlineData("Ã©")]
    public void A_long_text_in_styles_borrows_its_memory(string part)
    {
        var text = string.Concat(Enumerable.Repeat(part, LongText / part.Length));
        var probability = _classifier.Classify(text);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(probability, _classifier.Classify(text));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 32 * 1024);
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
