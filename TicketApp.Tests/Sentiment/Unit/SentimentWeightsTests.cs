using TicketApp.Sentiment;
using TicketApp.SentimentTrainer.Data;
using TicketApp.SentimentTrainer.Evaluation;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Sentiment.Unit;

/// <summary>The committed weights: how good they are, and that damage is noticed.</summary>
public sealed class SentimentWeightsTests
{
    private const double Floor = 0.83;

    private static readonly string _data = Path.Combine(Repository.Root, "../shared/data/sentiment/sst2-sentences-dev.tsv");

    [Fact]
    public void They_are_right_on_sentences_they_were_not_trained_on_however_those_are_written()
    {
        Assert.SkipUnless(File.Exists(_data), "The treebank is not beside the repository.");
        var dev = Corpus.ReadLines(_data);
        var classifier = SentimentClassifier.Load();

        Assert.All(Variants.All, variant =>
            Assert.InRange(Accuracy.Of(classifier, dev, variant.Rewrite), variant.KeepsSigns ? Floor : Floor - 0.03, 1));
    }

    [Fact]
    public void They_are_as_often_right_as_they_say()
    {
        Assert.SkipUnless(File.Exists(_data), "The treebank is not beside the repository.");
        var dev = Corpus.ReadLines(_data);
        var classifier = SentimentClassifier.Load();
        var happy = dev.Select(line => classifier.Classify(line.Text)).ToArray();

        var said = happy.Average(probability => Math.Max(probability, 1 - probability));
        Assert.Equal(Accuracy.Of(classifier, dev, text => text), said, 0.05);
        Assert.Contains(happy, probability => probability is > 0.4 and < 0.6);
    }

    [Theory]
    [InlineData(0, "no file")]
    [InlineData(20, "damaged")]
    [InlineData(5000, "damaged")]
    [InlineData(-1, "damaged")]
    public void A_changed_byte_is_noticed(int position, string complaint)
    {
        var bytes = Committed();
        bytes[position < 0 ? ^1 : position] ^= 1;
        AssertRefused(bytes, complaint);
    }

    [Theory]
    [InlineData(0, "no file")]
    [InlineData(10, "no file")]
    [InlineData(60, "damaged")]
    [InlineData(100_000, "damaged")]
    public void A_file_that_ends_early_is_noticed(int length, string complaint) => AssertRefused(Committed()[..length], complaint);

    [Fact]
    public void A_file_of_another_format_is_refused_by_its_version()
    {
        var bytes = Committed();
        bytes[16]++;
        System.Security.Cryptography.SHA256.HashData(bytes.AsSpan(..^32)).CopyTo(bytes.AsSpan()[^32..]);
        AssertRefused(bytes, "version 2");
    }

    private static byte[] Committed()
    {
        using var stream = typeof(SentimentClassifier).Assembly.GetManifestResourceStream("sentiment.bin")!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static void AssertRefused(byte[] bytes, string complaint)
    {
        using MemoryStream stream = new(bytes);
        var exception = Assert.Throws<InvalidDataException>(() => SentimentClassifier.Load(stream));
        Assert.Contains(complaint, exception.Message, StringComparison.Ordinal);
    }
}
