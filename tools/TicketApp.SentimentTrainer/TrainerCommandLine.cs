using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using TicketApp.Sentiment;
using TicketApp.Sentiment.Weights;
using TicketApp.SentimentTrainer.Data;
using TicketApp.SentimentTrainer.Evaluation;

namespace TicketApp.SentimentTrainer;

/// <summary>The program's options.</summary>
internal static class TrainerCommandLine
{
    private const string WeightsPath = "TicketApp.Sentiment/Weights/sentiment.bin";
    private const int DefaultSeed = 1;

    public static RootCommand Create()
    {
        Option<DirectoryInfo> data = new("--data")
        {
            Description = "Folder with the files of the Stanford Sentiment Treebank (docs/models/sentiment.md says which)",
            DefaultValueFactory = _ => new("../shared/data/sentiment"),
        };
        Option<FileInfo[]> reviews = new("--reviews")
        {
            Description = "Files of customers' reviews to learn from as well (ticketapp fetches them)",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<int> seed = new("--seed") { Description = "What all random numbers come from", DefaultValueFactory = _ => DefaultSeed };
        Option<FileInfo> output = new("--output") { Description = "The file of weights", DefaultValueFactory = _ => new(WeightsPath) };
        Option<int> folds = new("--cross-validate")
        {
            Description = "Write no weights: leave out each of so many parts of the training sentences in turn, and measure on it",
        };
        Option<FileInfo[]> measure = new("--measure")
        {
            Description = "Train nothing: measure the weights on these files, of lines of 0 or 1, a tab and a text, or as reviews are",
            AllowMultipleArgumentsPerToken = true,
        };
        data.AcceptExistingOnly();
        reviews.AcceptExistingOnly();
        measure.AcceptExistingOnly();
        folds.Validators.Add(result =>
        {
            if (result.GetValue(folds) < 2)
            {
                result.AddError("--cross-validate takes a number from 2.");
            }
        });

        RootCommand root = new(
            "Trains the model that tells happy messages from sad ones, and measures it. "
            + "The same data and seed give the same bytes on the same machine.")
        {
            data, reviews, seed, output, folds, measure,
        };
        root.SetAction(parsed =>
        {
            if (parsed.GetValue(measure) is { Length: > 0 } files)
            {
                Measure(parsed.GetRequiredValue(output), files);
                return;
            }

            Run(
                Corpus.Load(parsed.GetRequiredValue(data).FullName, (parsed.GetValue(reviews) ?? []).Select(file => file.FullName)),
                parsed.GetValue(seed),
                parsed.GetRequiredValue(output),
                parsed.GetResult(folds) is { Implicit: false } ? parsed.GetValue(folds) : 0);
        });
        return root;
    }

    private static void Run(Corpus corpus, int seed, FileInfo output, int folds)
    {
        var clock = Stopwatch.StartNew();
        SentimentTraining training = new(new Recipe(), line => Say($"{clock.Elapsed:mm\\:ss} {line}"));
        if (folds > 0)
        {
            CrossValidation.Run(training, corpus, seed, folds, Say);
            return;
        }

        var weights = training.Train(corpus, seed);
        using (var file = output.Create())
        {
            WeightsFile.Write(file, weights);
            Say($"{clock.Elapsed:mm\\:ss} {output.FullName}: {file.Length:N0} bytes");
        }

        foreach (var (name, _, rewrite) in Variants.All)
        {
            Say($"{name}: {Accuracy.Of(new SentimentClassifier(weights), corpus.Dev, rewrite):P2}");
        }
    }

    private static void Measure(FileInfo weights, FileInfo[] files)
    {
        using var stream = weights.OpenRead();
        var classifier = SentimentClassifier.Load(stream);
        foreach (var file in files)
        {
            var texts = Corpus.Read(file.FullName);
            foreach (var (name, _, rewrite) in Variants.All)
            {
                Say($"{file.Name}, {texts.Count} texts, {name}: {Accuracy.Of(classifier, texts, rewrite):P2}");
            }

            foreach (var (least, below) in new[] { (0.5, 0.6), (0.6, 0.9), (0.9, double.PositiveInfinity) })
            {
                var (answers, right) = Accuracy.Between(classifier, texts, least, below);
                Say($"{file.Name}, {answers} answers from {least} below {below}: {right:P2}");
            }
        }
    }

    private static void Say(string line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
