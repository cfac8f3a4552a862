namespace TicketApp.Bench.Reports;

/// <summary>One figure, as often as it was measured.</summary>
/// <param name="Subject">Whose it is: a system, a limit, a variant.</param>
/// <param name="Name">What it is.</param>
/// <param name="Unit">In what.</param>
/// <param name="Values">One value a round, in order.</param>
internal sealed record Figure(string Subject, string Name, string Unit, List<double> Values)
{
    public double Median
    {
        get
        {
            var sorted = Values.Order().ToArray();
            var middle = sorted.Length / 2;
            return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        }
    }
}
