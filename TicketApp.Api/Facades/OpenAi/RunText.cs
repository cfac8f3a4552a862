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
            await foreach (var report in progress.InOrderAsync(ticketId, epoch, _reports))
            {
                _reports = report.Sequence;
                text.Append(report.Text);
            }
        }
        catch (Exception exception) when (exception is OverloadedException || DatabaseErrors.IsUnavailable(exception))
        {
            // The answer has all of it.
        }

        Length += text.Length;
        return text.ToString();
    }
}
