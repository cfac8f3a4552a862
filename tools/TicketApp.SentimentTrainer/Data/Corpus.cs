using TicketApp.Sentiment.Text;

namespace TicketApp.SentimentTrainer.Data;

/// <summary>The texts to learn from and to measure by, each as the models see it, so that equal texts are found out.</summary>
/// <param name="Sentences">Training sentences.</param>
/// <param name="Phrases">Their labelled parts; of a sentence itself only <paramref name="Sentences"/> has the label.</param>
/// <param name="Dev">Sentences for choosing, none of which is in the others.</param>
internal sealed record Corpus(IReadOnlyList<LabelledText> Sentences, IReadOnlyList<LabelledText> Phrases, IReadOnlyList<LabelledText> Dev)
{
    private const string SentencesFile = "sst2-sentences-train.tsv";
    private const string PhrasesFile = "sst2-phrases-train.tsv";
    private const string DevFile = "sst2-sentences-dev.tsv";

    /// <summary>Reads the files of a folder.</summary>
    public static Corpus Load(string folder)
    {
        var dev = ReadLines(Path.Combine(folder, DevFile));
        var held = dev.Select(line => Words(line.Text)).ToHashSet();
        var sentences = WithoutContradictions(ReadLines(Path.Combine(folder, SentencesFile)), held);
        held.UnionWith(sentences.Select(line => line.Text));
        return new Corpus(sentences, WithoutContradictions(ReadLines(Path.Combine(folder, PhrasesFile)), held), dev);
    }

    /// <summary>Reads one file: a label, a tab and a text on each line.</summary>
    public static IReadOnlyList<LabelledText> ReadLines(string file) =>
        [.. File.ReadLines(file).Select((line, index) => line.Split('\t', 2) switch
        {
            ["0", var text] => new LabelledText(text, false),
            ["1", var text] => new LabelledText(text, true),
            _ => throw new InvalidDataException($"{file}, line {index + 1}: expected 0 or 1, a tab and a text."),
        })];

    /// <summary>Leaves out one part of the training sentences, and the phrases that occur in no other sentence.</summary>
    /// <returns>The rest to learn from, and the part that was left out.</returns>
    public (Corpus Kept, IReadOnlyList<LabelledText> Held) Without(int part, int parts)
    {
        List<LabelledText> held = [.. Sentences.Where((_, index) => index % parts == part)];
        List<LabelledText> kept = [.. Sentences.Where((_, index) => index % parts != part)];
        var partsOfHeld = held.SelectMany(sentence => PartsOf(sentence.Text)).ToHashSet();
        partsOfHeld.ExceptWith(kept.SelectMany(sentence => PartsOf(sentence.Text)));
        return (this with { Sentences = kept, Phrases = [.. Phrases.Where(phrase => !partsOfHeld.Contains(phrase.Text))] }, held);
    }

    /// <summary>
    /// All examples, those of neutral words included: each word is a part of its sentence and so was judged, and one
    /// without a label is neither happy nor sad.
    /// </summary>
    public IReadOnlyList<Example> Examples()
    {
        var judged = Phrases.Concat(Sentences).Select(line => line.Text).ToHashSet();
        var neutral = Sentences.SelectMany(sentence => sentence.Text.Split(' ')).Distinct().Where(word => !judged.Contains(word));
        return
        [
            .. Sentences.Concat(Phrases).Select(line => Example.Of(line.Text, line.Positive ? 1 : 0)!),
            .. neutral.Select(word => Example.Of(word, 0.5f)!),
        ];
    }

    private static List<LabelledText> WithoutContradictions(IEnumerable<LabelledText> lines, HashSet<string> without) =>
        [.. lines.Select(line => line with { Text = Words(line.Text) })
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

    private static string Words(string text)
    {
        List<string> words = [];
        WordReader reader = new(text, new char[WordReader.MaxWord]);
        while (reader.Read())
        {
            words.Add(reader.Word.ToString());
        }

        return string.Join(' ', words);
    }
}
