namespace TicketApp.Bench.Reports;

/// <summary>All figures of one command, in the order in which they first came.</summary>
internal sealed class FigureSheet
{
    private readonly List<Figure> _figures = [];

    public IReadOnlyList<Figure> Figures => _figures;

    /// <summary>Adds a value to a figure, or a new figure.</summary>
    public void Add(string subject, string name, string unit, double value)
    {
        if (Find(subject, name) is { } figure)
        {
            figure.Values.Add(value);
        }
        else
        {
            _figures.Add(new(subject, name, unit, [value]));
        }
    }

    public Figure? Find(string subject, string name) => _figures.Find(figure => figure.Subject == subject && figure.Name == name);

    /// <summary>Adds the ratio of two subjects' figures, round by round: figures of one round were measured next to each other.</summary>
    public void AddRatio(string subject, string name, string dividend, string divisor)
    {
        if (Find(dividend, name) is not { } above || Find(divisor, name) is not { } below)
        {
            return;
        }

        foreach (var (first, second) in above.Values.Zip(below.Values))
        {
            Add(subject, name, "ratio", first / second);
        }
    }
}
