using System.Globalization;
using System.Security;
using System.Text;
using TicketApp.Bench.Reports;

namespace TicketApp.Bench.Charts;

/// <summary>Draws horizontal bars in groups as SVG: medians, with a thin line from the lowest to the highest round.</summary>
internal static class BarChart
{
    private const int Width = 760;
    private const int LabelWidth = 270;
    private const int ValueWidth = 80;
    private const int BarHeight = 18;
    private const int GroupGap = 12;
    private const int Top = 64;

    private static readonly string[] _colors = ["#2563eb", "#d97706", "#059669", "#7c3aed", "#64748b"];

    /// <param name="title">Above the bars.</param>
    /// <param name="figures">The figures; those of one name form a group, in the order of their first.</param>
    public static string Draw(string title, IReadOnlyList<Figure> figures)
    {
        string[] subjects = [.. figures.Select(figure => figure.Subject).Distinct()];
        var longest = figures.Max(figure => figure.Values.Max());
        StringBuilder bars = new();
        var y = Top;
        foreach (var group in figures.GroupBy(figure => figure.Name))
        {
            var middle = y + group.Count() * BarHeight / 2 + 4;
            bars.AppendLine(
                CultureInfo.InvariantCulture,
                $"""  <text x="{LabelWidth - 10}" y="{middle}" text-anchor="end">{Escape(group.Key.Trim())}</text>""");
            foreach (var figure in group)
            {
                DrawBar(bars, figure, y, longest, _colors[Array.IndexOf(subjects, figure.Subject) % _colors.Length]);
                y += BarHeight;
            }

            y += GroupGap;
        }

        StringBuilder svg = new();
        svg.AppendLine(
            CultureInfo.InvariantCulture,
            $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {y + 8}" width="{Width}" height="{y + 8}" role="img" """
            + $"""font-family="system-ui, sans-serif" font-size="13" fill="#1e293b">""");
        svg.AppendLine(CultureInfo.InvariantCulture, $"  <title>{Escape(title)}</title>");
        svg.AppendLine("""  <rect width="100%" height="100%" rx="8" fill="#ffffff"/>""");
        svg.AppendLine(CultureInfo.InvariantCulture, $"""  <text x="16" y="26" font-size="16" font-weight="600">{Escape(title)}</text>""");
        DrawLegend(svg, subjects);
        svg.Append(bars);
        return svg.AppendLine("</svg>").ToString();
    }

    private static void DrawLegend(StringBuilder svg, string[] subjects)
    {
        var x = 16;
        for (var i = 0; i < subjects.Length; i++)
        {
            svg.AppendLine(
                CultureInfo.InvariantCulture,
                $"""  <rect x="{x}" y="38" width="12" height="12" rx="2" fill="{_colors[i % _colors.Length]}"/>"""
                + $"""<text x="{x + 18}" y="48">{Escape(subjects[i])}</text>""");
            x += 40 + 8 * subjects[i].Length;
        }
    }

    private static void DrawBar(StringBuilder svg, Figure figure, int y, double longest, string color)
    {
        var end = LabelWidth + Length(figure.Median);
        var (low, high) = (LabelWidth + Length(figure.Values.Min()), LabelWidth + Length(figure.Values.Max()));
        var (width, middle) = (Math.Max(1, end - LabelWidth), y + BarHeight / 2);
        svg.AppendLine(
            CultureInfo.InvariantCulture,
            $"""  <rect x="{LabelWidth}" y="{y + 1}" width="{width:0.0}" height="{BarHeight - 3}" rx="2" fill="{color}"/>""");
        svg.AppendLine(
            CultureInfo.InvariantCulture,
            $"""  <line x1="{low:0.0}" x2="{high:0.0}" y1="{middle}" y2="{middle}" stroke="#0f172a" stroke-width="1.5"/>""");
        svg.AppendLine(
            CultureInfo.InvariantCulture,
            $"""  <text x="{Math.Max(end, high) + 6:0.0}" y="{y + 13}">{TablePrinter.Text(figure.Median)}</text>""");

        double Length(double value) => value / longest * (Width - LabelWidth - ValueWidth);
    }

    private static string Escape(string text) => SecurityElement.Escape(text);
}
