using System.Text;
using TicketApp.Api.Storage;
using TicketApp.Api.Waiting;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>
/// What the runs of a ticket say, as far as their progress was reported without a gap. It keeps none of it: thousands may listen at a time,
/// each to a million characters.
/// </summary>
internal sealed class RunText(ProgressReader progress)
{
    private int _epoch;
    private int _reports;

    /// <summary>How much of the run's text was read.</summary>
    public int Length { get; private set; }

    /// <summary>Reads what has come since the last time; of another run what it has said until now.</summary>
    public async Task<string> ReadAsync(Guid ticketId, int epoch)
    {
        if (epoch != _epoch)
        {
            (_epoch, _reports, Length) = (epoch, 0, 0);
        }

        StringBuilder text = new();
        try
        {
            while (await progress.SubmitAsync(new(ticketId, epoch, _reports)) is { } page && Add(page, text) && page.HasMore)
            {
            }
        }
        catch (Exception exception) when (exception is OverloadedException || DatabaseErrors.IsUnavailable(exception))
        {
            // The answer has all of it.
        }

        Length += text.Length;
        return text.ToString();
    }

    /// <returns>False at a gap: what follows it has its place once the missing report has come.</returns>
    private bool Add(ProgressPage page, StringBuilder text)
    {
        foreach (var report in page.Reports)
        {
            if (report.Sequence != _reports + 1)
            {
                return false;
            }

            _reports++;
            text.Append(report.Text);
        }

        return true;
    }
}
