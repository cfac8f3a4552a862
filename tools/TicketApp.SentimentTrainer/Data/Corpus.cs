using System.Text.Json;
using TicketApp.Sentiment.Text;

namespace TicketApp.SentimentTrainer.Data;

/// <summary>The texts to learn from and to measure by, each as the models see it, so that equal texts are found out.</summary>
/// <param name="Sentences">Training sentences.</param>
/// <param name="Phrases">Their labelled parts; of a sentence itself only <paramref name="Sentences"/> has the label.</param>
/// <param name="Reviews">Sentences of customers' reviews.</param>
/// <param name="Dev">Sentences for choosing, none of which is in the others.</param>
internal sealed record Corpus(
    IReadOnlyList<LabelledText> Sentences,
    IReadOnlyList<LabelledText> Phrases,
    IReadOnlyList<LabelledText> Reviews,
    IReadOnlyList<LabelledText> Dev)
{
    private const int Negations = 4;
    private const int ShortestNegated = 3;

    private const string SentencesFile = "sst2-sentences-train.tsv";
    private const string PhrasesFile = "sst2-phrases-train.tsv";
    private const string DevFile = "sst2-sentences-dev.tsv";

    /// <summary>Reads the treebank's files of a folder, and files of reviews.</summary>
    public static Corpus Load(string folder, IEnumerable<string> reviews)
    {
        var dev = ReadLines(Path.Combine(folder, DevFile));
        var sentences = ReadLines(Path.Combine(folder, SentencesFile));
        var phrases = ReadLines(Path.Combine(folder, PhrasesFile));
        LabelledText[] judged = [.. reviews.SelectMany(Read)];
        var spellings = Spellings(sentences.Concat(judged));
        var held = dev.Select(line => Words(line.Text, spellings)).ToHashSet();
        var kept = WithoutContradictions(sentences, held, spellings);
        held.UnionWith(kept.Select(line => line.Text));
        return new Corpus(kept, WithoutContradictions(phrases, held, spellings), WithoutContradictions(judged, held, spellings), dev);
    }

    /// <summary>Reads one file: <c>.json</c> with an array of objects of <c>text</c> and <c>class</c>, or lines.</summary>
    public static IReadOnlyList<LabelledText> Read(string file) =>
        Path.GetExtension(file) == ".json" ? ReadObjects(file) : ReadLines(file);

    /// <summary>Reads one file: a label, a tab and a text on each line.</summary>
    public static IReadOnlyList<LabelledText> ReadLines(string file) =>
        [.. File.ReadLines(file).Select((line, index) => line.Split('\t', 2) switch
        {
            ["0", var text] => new LabelledText(text, false),
            ["1", var text] => new LabelledText(text, true),
            _ => throw new InvalidDataException($"{file}, line {index + 1}: expected 0 or 1, a tab and a text."),
        })];

    /// <summary>Leaves out one part of the training sentences, with the phrases that occur in no other, and of the reviews.</summary>
    /// <returns>The rest to learn from, and what was left out.</returns>
    public (Corpus Kept, IReadOnlyList<LabelledText> Held, IReadOnlyList<LabelledText> HeldReviews) Without(int part, int parts)
    {
        List<LabelledText> held = [.. Sentences.Where((_, index) => index % parts == part)];
        List<LabelledText> kept = [.. Sentences.Where((_, index) => index % parts != part)];
        var partsOfHeld = held.SelectMany(sentence => PartsOf(sentence.Text)).ToHashSet();
        partsOfHeld.ExceptWith(kept.SelectMany(sentence => PartsOf(sentence.Text)));
        Corpus rest = this with
        {
            Sentences = kept,
            Phrases = [.. Phrases.Where(phrase => !partsOfHeld.Contains(phrase.Text))],
            Reviews = [.. Reviews.Where((_, index) => index % parts != part)],
        };
        return (rest, held, [.. Reviews.Where((_, index) => index % parts == part)]);
    }

    /// <summary>
    /// All examples, those of neutral words included: each word is a part of its sentence and so was judged, and one
    /// without a label is neither happy nor sad.
    /// </summary>
    /// <param name="reviewCopies">How often each review counts.</param>
    /// <param name="negations">In how many forms each judged word is negated.</param>
    public IReadOnlyList<Example> Examples(int reviewCopies, int negations)
    {
        var judged = Phrases.Concat(Sentences).Select(line => line.Text).ToHashSet();
        var neutral = Sentences.SelectMany(sentence => sentence.Text.Split(' ')).Distinct().Where(word => !judged.Contains(word));
        return
        [
            .. Sentences
                .Concat(Phrases)
                .Concat(Enumerable.Repeat(Reviews, reviewCopies).SelectMany(reviews => reviews))
                .Concat(Negated(negations))
                .Select(line => Example.Of(line.Text, line.Positive ? 1 : 0)!),
            .. neutral.Select(word => Example.Of(word, 0.5f)!),
        ];
    }

    /// <summary>
    /// Judged words with a negation, which turns them round: the treebank has few of these, and hardly any of "not" before a bad word.
    /// </summary>
    private IEnumerable<LabelledText> Negated(int forms) =>
        Phrases.Where(phrase => phrase.Text.Length >= ShortestNegated && !phrase.Text.Contains(' ', StringComparison.Ordinal))
            .SelectMany((word, index) => Enumerable.Range(index, forms)
                .Select(form => new LabelledText(Negate(word.Text, form % Negations), !word.Positive)));

    private static string Negate(string word, int form) => form switch
    {
        0 => $"not {word}",
        1 => $"not {word} at all",
        2 => $"is not {word}",
        _ => $"never {word}",
    };

    // A class that is no number marks what somebody put in the place of a text.
    private static List<LabelledText> ReadObjects(string file)
    {
        using var stream = File.OpenRead(file);
        using var document = JsonDocument.Parse(stream);
        return
        [
            .. document.RootElement.EnumerateArray()
                .Where(item => item.TryGetProperty("class", out var label) && label.ValueKind == JsonValueKind.Number)
                .Select(item => new LabelledText(item.GetProperty("text").GetString()!, item.GetProperty("class").GetInt32() == 1)),
        ];
    }

    private static List<LabelledText> WithoutContradictions(
        IEnumerable<LabelledText> lines, HashSet<string> without, Vocabulary spellings) =>
        [.. lines.Select(line => line with { Text = Words(line.Text, spellings) })
            .Where(line => line.Text.Length > 0 && !without.Contains(line.Text))
            .GroupBy(line => line.Text)
            .Where(group => group.Count(line => line.Positive) * 2 != group.Count())
            .Select(group => new LabelledText(group.Key, group.Count(line => line.Positive) * 2 > group.Count()))];

    private static IEnumerable<string> PartsOf(string sentence)
    {
        var words = sentence.Split(' ');
        for (var start = 0; start < words.Length; start++)
        {
            for (var end = start + 1; end <= words.Length; end++)
            {
                yield return string.Join(' ', words[start..end]);
            }
        }
    }

    /// <summary>All words that somebody wrote without stretching them.</summary>
    private static Vocabulary Spellings(IEnumerable<LabelledText> lines)
    {
        SortedSet<ulong> hashes = [];
        foreach (var line in lines)
        {
            WordReader reader = new(Typography.Plain(line.Text), new char[WordReader.MaxWord]);
            while (reader.Read())
            {
                if (!reader.Stretched)
                {
                    hashes.Add(WordHash.Of(reader.Word));
                }
            }
        }

        return new Vocabulary([.. hashes]);
    }

    private static string Words(string text, Vocabulary spellings)
    {
        List<string> words = [];
        Passage passage = new();
        WordReader reader = new(Typography.Plain(text), new char[WordReader.MaxWord]);
        while (passage.Fill(ref reader, spellings))
        {
            for (var i = 0; i < passage.Count; i++)
            {
                words.Add(passage[i].ToString());
            }
        }

        return string.Join(' ', words);
    }
}
