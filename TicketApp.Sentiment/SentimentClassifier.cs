using System.Buffers;
using TicketApp.Sentiment.Network;
using TicketApp.Sentiment.Text;
using TicketApp.Sentiment.Weights;

namespace TicketApp.Sentiment;

/// <summary>
/// Tells whether a text is happy or sad: a linear model over words and pieces of words, and recurrent networks, added up.
/// Any text gets an answer, in time linear in its length and with the memory of one passage. Safe for use by many threads.
/// </summary>
public sealed class SentimentClassifier
{
    // What a picture counts beside words, and alone: beside words it is a hint, often an ironic one.
    private const double PictureBesideWords = 0.3;
    private const double PictureAlone = 1.5;
    private const int MaxPictures = 3;

    [ThreadStatic]
    private static Scratch? _scratch;

    private readonly SentimentWeights _weights;

    internal SentimentClassifier(SentimentWeights weights) => _weights = weights;

    /// <summary>The version of the training recipe behind the weights, for example <c>1</c>.</summary>
    public int Recipe => _weights.Recipe;

    /// <summary>Reads the weights that come with this library.</summary>
    /// <exception cref="InvalidDataException">They are damaged.</exception>
    public static SentimentClassifier Load()
    {
        using var stream = typeof(SentimentClassifier).Assembly.GetManifestResourceStream("sentiment.bin")!;
        return Load(stream);
    }

    /// <summary>Reads weights.</summary>
    /// <param name="stream">One that knows its length.</param>
    /// <exception cref="InvalidDataException">They are damaged, or of another version of the format.</exception>
    public static SentimentClassifier Load(Stream stream) => new(WeightsFile.Read(stream));

    /// <summary>Judges a text.</summary>
    /// <param name="text">Any text, also an empty one (which is as likely happy as sad).</param>
    /// <returns>How likely it is happy, from 0 to 1; 0.5 and more is called happy.</returns>
    public double Classify(ReadOnlySpan<char> text)
    {
        if (!Typography.IsSuspect(text))
        {
            return ClassifyPlain(text);
        }

        var plain = ArrayPool<char>.Shared.Rent(text.Length * Typography.Growth);
        try
        {
            return ClassifyPlain(plain.AsSpan(0, Typography.Write(text, plain)));
        }
        finally
        {
            ArrayPool<char>.Shared.Return(plain);
        }
    }

    private double ClassifyPlain(ReadOnlySpan<char> text)
    {
        var scratch = _scratch is { } own && own.Fits(_weights) ? own : _scratch = new Scratch(_weights);
        WordReader reader = new(text, scratch.Word);
        var (sum, passages) = (0.0, 0);
        while (scratch.Passage.Fill(ref reader, _weights.Vocabulary))
        {
            sum += Judge(scratch);
            passages++;
        }

        var mood = Math.Clamp(reader.Mood, -MaxPictures, MaxPictures);
        var odds = passages == 0 ? PictureAlone * mood : (sum / passages) + (PictureBesideWords * mood);
        return 1 / (1 + Math.Exp(-odds));
    }

    private double Judge(Scratch scratch)
    {
        var odds = _weights.Bias + _weights.Linear.Judge(scratch.Passage, scratch.Slots);
        for (var i = 0; i < scratch.Passage.Count; i++)
        {
            scratch.Ids[i] = _weights.Vocabulary.Find(scratch.Passage.Hashes[i]);
        }

        for (var i = 0; i < _weights.Networks.Count; i++)
        {
            odds += _weights.Networks[i].Judge(scratch.Ids.AsSpan(0, scratch.Passage.Count), scratch.Numbers, scratch.Trace);
        }

        return odds;
    }

    /// <summary>Memory of one thread, used again for each text.</summary>
    private sealed class Scratch(SentimentWeights weights)
    {
        public char[] Word { get; } = new char[WordReader.MaxWord];

        public Passage Passage { get; } = new();

        public int[] Slots { get; } = new int[Features.MaxOfPassage];

        public int[] Ids { get; } = new int[Passage.Longest];

        public float[] Numbers { get; } = new float[Passage.Longest * weights.Input];

        public ReaderTrace Trace { get; } = new(Passage.Longest, weights.State);

        public bool Fits(SentimentWeights others) => others.Input == weights.Input && others.State == weights.State;
    }
}
