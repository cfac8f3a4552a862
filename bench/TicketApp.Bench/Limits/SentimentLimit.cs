using System.Diagnostics;
using TicketApp.Bench.Reports;
using TicketApp.Sentiment;

namespace TicketApp.Bench.Limits;

/// <summary>How fast the sentiment classifier is by itself, on one core: no server is started for it.</summary>
internal static class SentimentLimit
{
    private const int Rounds = 5;
    private const int Texts = 5000;

    private static readonly string[] _texts =
    [
        "A quiet, patient film that trusts its actors, and they repay it in every scene they share.",
        "I wanted to like it, but after an hour of the same three jokes I gave up and went home early.",
        "The kitchen was slow and the soup was cold, but the waiter could not have been kinder to us!",
        "Don't bother: it's loud, it's long, and it hasn't got a single idea that you haven't seen done better.",
        "What a wonderful surprise \ud83d\ude0a we laughed, we cried, and we will certainly be back next summer with friends.",
    ];

    public static void Run()
    {
        FigureSheet sheet = new();
        for (var round = 0; round < Rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            var classifier = SentimentClassifier.Load();
            sheet.Add("sentiment", "load", "ms", Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            var cpu = Environment.CpuUsage.TotalTime;
            for (var i = 0; i < Texts; i++)
            {
                classifier.Classify(_texts[i % _texts.Length]);
            }

            sheet.Add("sentiment", "texts of 20 words", "per CPU second", Texts / (Environment.CpuUsage.TotalTime - cpu).TotalSeconds);
            var longest = string.Concat(Enumerable.Repeat(_texts[0] + " ", 10_000 / _texts[0].Length));
            cpu = Environment.CpuUsage.TotalTime;
            classifier.Classify(longest);
            sheet.Add("sentiment", "a text of 10,000 characters", "ms of CPU", (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds);
        }

        TablePrinter.Print(sheet);
    }
}
