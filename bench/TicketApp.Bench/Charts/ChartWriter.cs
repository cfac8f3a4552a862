using TicketApp.Bench.Reports;

namespace TicketApp.Bench.Charts;

/// <summary>Draws the charts of all results that are there.</summary>
internal static class ChartWriter
{
    public static async Task WriteAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(options.ImagesDirectory);
        foreach (var chart in ChartDescription.All)
        {
            if (await ResultFile.ReadAsync(options.ResultsDirectory, chart.Command, cancellationToken) is not { } result)
            {
                continue;
            }

            Figure[] figures =
            [
                .. from name in chart.Figures
                   from figure in result.Figures
                   where figure.Name == name && IsShown(figure, chart)
                   select figure,
            ];
            if (figures.Length > 0)
            {
                var path = Path.Combine(options.ImagesDirectory, $"bench-{chart.File}.svg");
                await File.WriteAllTextAsync(path, BarChart.Draw(chart.Title, figures), cancellationToken);
                BenchSession.Say("drawn to " + Path.GetRelativePath(options.RepositoryRoot, path));
            }
        }
    }

    private static bool IsShown(Figure figure, ChartDescription chart) =>
        figure.Unit != "ratio" && (chart.Subjects.Count == 0 || chart.Subjects.Contains(figure.Subject));
}
