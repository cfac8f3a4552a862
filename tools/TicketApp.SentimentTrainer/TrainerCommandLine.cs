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
        Option<int> seed = new("--seed") { Description = "What all random numbers come from", DefaultValueFactory = _ => DefaultSeed };
        Option<FileInfo> output = new("--output") { Description = "Where the weights go", DefaultValueFactory = _ => new(WeightsPath) };
        Option<int> folds = new("--cross-validate")
        {
            Description = "Write no weights: leave out each of so many parts of the training sentences in turn, and measure on it",
        };
        data.AcceptExistingOnly();
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
            data, seed, output, folds,
        };
        root.SetAction(parsed => Run(
            Corpus.Load(parsed.GetRequiredValue(data).FullName),
            parsed.GetValue(seed),
            parsed.GetRequiredValue(output),
            parsed.GetResult(folds) is { Implicit: false } ? parsed.GetValue(folds) : 0));
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

    private static void Say(string line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
