using TicketApp.Sentiment;
using TicketApp.Sentiment.Weights;
using TicketApp.SentimentTrainer;
using TicketApp.SentimentTrainer.Data;

namespace TicketApp.Tests.Sentiment.Unit;

/// <summary>The trainer on a corpus that is made here: small, but with something to learn in it.</summary>
public sealed class SentimentTrainingTests : IDisposable
{
    private static readonly string[] _things = ["the film", "this story", "her song", "the whole evening", "every scene", "his idea"];
    private static readonly string[] _good = ["glimmers", "delights me", "shines", "is zesty"];
    private static readonly string[] _bad = ["drags", "annoys me", "stinks", "is bland"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sentiment");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void It_learns_what_the_texts_say()
    {
        SentimentClassifier classifier = new(Train(seed: 1));

        Assert.InRange(classifier.Classify("A voice that shines!"), 0.6, 1);
        Assert.InRange(classifier.Classify("MY NEIGHBOUR STINKS"), 0, 0.4);
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes_and_another_one_others()
    {
        var first = Bytes(Train(seed: 1));

        Assert.Equal(first, Bytes(Train(seed: 1)));
        Assert.NotEqual(first, Bytes(Train(seed: 2)));
    }

    [Fact]
    public void What_is_kept_for_choosing_is_never_learned_from()
    {
        Write("sst2-sentences-dev.tsv", ["1\tthe film shines"]);
        Write("sst2-sentences-train.tsv", ["1\tThe film shines", "0\tthe film drags", "1\tthe song", "0\tthe song"]);
        Write("sst2-phrases-train.tsv", ["1\tthe  film shines", "0\tthe film drags", "0\tdrags"]);

        var corpus = Load();

        Assert.Equal(["the film drags"], corpus.Sentences.Select(line => line.Text));
        Assert.Equal(["drags"], corpus.Phrases.Select(line => line.Text));
    }

    [Fact]
    public void A_part_that_is_left_out_takes_its_phrases_along()
    {
        Write("sst2-sentences-dev.tsv", []);
        Write("sst2-sentences-train.tsv", ["1\tthe film shines", "0\tthe film drags"]);
        Write("sst2-phrases-train.tsv", ["1\tfilm shines", "1\tshines", "0\tthe film", "0\tdrags"]);

        var (kept, held, _) = Load().Without(0, 2);

        Assert.Equal(["the film shines"], held.Select(line => line.Text));
        Assert.Equal(["the film drags"], kept.Sentences.Select(line => line.Text));
        Assert.Equal(["the film", "drags"], kept.Phrases.Select(line => line.Text));
    }

    [Fact]
    public void Reviews_are_learned_from_unless_they_have_no_class_or_are_kept_for_choosing()
    {
        Write("sst2-sentences-dev.tsv", ["1\tthe film shines"]);
        Write("sst2-sentences-train.tsv", ["0\tthe film drags"]);
        Write("sst2-phrases-train.tsv", []);
        Write("shop.json",
        [
            """[{"text":"It broke.","class":0},{"text":"Fine case","class":1},{"text":"?"},{"text":"!","class":null},""",
            """{"text":"The film shines","class":0}]""",
        ]);

        var corpus = Load("shop.json");

        Assert.Equal([new LabelledText("it broke .", false), new LabelledText("fine case", true)], corpus.Reviews);
        Assert.Equal(1 + (2 * 3), corpus.Examples(reviewCopies: 3, negations: 0).Count(example => example.IsJudged));
    }

    [Fact]
    public void A_judged_word_is_learned_with_its_negation_as_the_opposite()
    {
        Write("sst2-sentences-dev.tsv", []);
        Write("sst2-sentences-train.tsv", ["0\tthe film drags"]);
        Write("sst2-phrases-train.tsv", ["0\tdrags", "0\tfilm drags", "1\ta"]);

        var examples = Load().Examples(reviewCopies: 1, negations: 4);

        string[] negated = ["not drags", "not drags at all", "is not drags", "never drags"];
        Assert.Equal(
            [.. negated.Select(text => Example.Of(text, 1)!.Words)],
            examples.Where(example => example.Target == 1 && example.Words.Length > 1).Select(example => example.Words));
    }

    private SentimentWeights Train(int seed)
    {
        var sentences = _things
            .SelectMany(thing => _good.Select(good => $"1\t{thing} {good} .").Concat(_bad.Select(bad => $"0\t{thing} {bad} .")))
            .ToArray();
        Write("sst2-sentences-train.tsv", [.. sentences.Where((_, i) => i % 4 != 0)]);
        Write("sst2-sentences-dev.tsv", [.. sentences.Where((_, i) => i % 4 == 0)]);
        Write("sst2-phrases-train.tsv", [.. _good.Select(good => $"1\t{good}"), .. _bad.Select(bad => $"0\t{bad}")]);
        Recipe recipe = new() { Networks = 2, Recurrent = new() { Passes = 10, Batch = 4, Rate = 0.01f } };
        return new SentimentTraining(recipe, _ => { }).Train(Load(), seed);
    }

    private Corpus Load(params string[] reviews) =>
        Corpus.Load(_folder.FullName, reviews.Select(name => Path.Combine(_folder.FullName, name)));

    private void Write(string name, string[] lines) => File.WriteAllLines(Path.Combine(_folder.FullName, name), lines);

    private static byte[] Bytes(SentimentWeights weights)
    {
        using MemoryStream stream = new();
        WeightsFile.Write(stream, weights);
        return stream.ToArray();
    }
}
