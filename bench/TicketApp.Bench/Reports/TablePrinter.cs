using System.Globalization;

namespace TicketApp.Bench.Reports;

/// <summary>Prints figures as a table: a row for each figure, a column for each subject, medians where there are rounds.</summary>
internal static class TablePrinter
{
    public static void Print(FigureSheet sheet)
    {
        string[] subjects = [.. sheet.Figures.Select(figure => figure.Subject).Distinct()];
        List<string[]> rows = [["", .. subjects]];
        foreach (var name in NamesInOrder(sheet))
        {
            var unit = sheet.Figures.First(figure => figure.Name == name).Unit;
            var label = unit.Length == 0 ? name : $"{name}, {unit}";
            rows.Add([label, .. subjects.Select(subject => sheet.Find(subject, name) is { } figure ? Text(figure.Median) : "")]);
        }

        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        foreach (var row in rows)
        {
            var cells = row.Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]));
            Console.WriteLine(string.Join("  ", cells));
        }

        Console.WriteLine();
    }

    /// <summary>Each name once: one that the first subject lacks is behind the one that its own subject has before it.</summary>
    private static List<string> NamesInOrder(FigureSheet sheet)
    {
        List<string> names = [];
        foreach (var subject in sheet.Figures.GroupBy(figure => figure.Subject))
        {
            var at = names.Count - 1;
            foreach (var figure in subject)
            {
                var known = names.IndexOf(figure.Name);
                at = known >= 0 ? known : at + 1;
                if (known < 0)
                {
                    names.Insert(at, figure.Name);
                }
            }
        }

        return names;
    }

    /// <summary>Three figures that mean something, whole numbers as they are.</summary>
    public static string Text(double value) => Math.Abs(value) switch
    {
        0 => "0",
        >= 100 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        >= 1 => value.ToString("0.00", CultureInfo.InvariantCulture),
        _ => value.ToString("0.000", CultureInfo.InvariantCulture),
    };
}
