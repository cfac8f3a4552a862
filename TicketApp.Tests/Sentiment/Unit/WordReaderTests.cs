using TicketApp.Sentiment.Text;

namespace TicketApp.Tests.Sentiment.Unit;

public sealed class WordReaderTests
{
    [Theory]
    [InlineData("it does n't work , and i ca n't -lrb- or wo n't -rrb- fix it .", "It doesn't work, and I CAN\u2019T (or won't) fix it.")]
    [InlineData(
        "it 's what they 'd say : we 're sure you 've seen it , i 'm told",
        "IT'S what they'd say: we're sure you\u2019ve seen it, I'm told")]
    [InlineData("`` the best '' film -- really ...", "\u201cThe best\u201d film\u2014really\u2026")]
    [InlineData("a splendid-looking film", "a  splendid looking\tFILM")]
    [InlineData("can not do n't is n't", "cannot dont isnt")]
    [InlineData("cafe naive creme", "Café naïve CRÈME")]
    [InlineData("cafe", "cafe\u0301")]
    [InlineData("great", "ｇｒｅａｔ")]
    [InlineData("no !", "no!!!!!!")]
    [InlineData("half\\/half", "half/half")]
    public void What_people_write_reads_as_a_treebank_has_it(string treebank, string written) =>
        Assert.Equal(Words(treebank), Words(written));

    [Fact]
    public void A_negation_is_a_word_of_its_own() => Assert.Equal(["do", "not", "can", "not", "not"], Words("don't cannot n't"));

    [Fact]
    public void Letters_repeated_for_emphasis_are_cut_to_two() => Assert.Equal(["soo", "good", "2000"], Words("soooooo gooood 2000"));

    [Fact]
    public void A_long_word_is_cut() => Assert.Equal(new string('x', 2), Assert.Single(Words(new string('x', 100_000))));

    [Theory]
    [InlineData("", 0)]
    [InlineData("😀👍", 2)]
    [InlineData("👎 ❤\ufe0f :-( :)", 0)]
    [InlineData("Director:David", 0)]
    public void Pictures_and_faces_are_counted_apart(string text, int mood)
    {
        WordReader reader = new(text, new char[WordReader.MaxWord]);
        while (reader.Read())
        {
        }

        Assert.Equal(mood, reader.Mood);
    }

    private static List<string> Words(string text)
    {
        List<string> words = [];
        WordReader reader = new(text, new char[WordReader.MaxWord]);
        while (reader.Read())
        {
            words.Add(reader.Word.ToString());
        }

        return words;
    }
}
