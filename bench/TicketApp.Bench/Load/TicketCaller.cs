using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;

namespace TicketApp.Bench.Load;

/// <summary>Creates a ticket, asks until it has ended, takes the next.</summary>
internal sealed class TicketCaller : Caller
{
    private readonly TicketLoad _load;
    private readonly Uri _address;
    private readonly byte[][] _creations;
    private string? _ticket;
    private byte[] _question = [];
    private long _due;
    private TimeSpan _pause;

    /// <param name="load">Where tickets come from.</param>
    /// <param name="address">Of the system.</param>
    /// <param name="creations">Bodies of <c>POST /ticket</c> to choose from.</param>
    /// <param name="connection">Its connection.</param>
    public TicketCaller(TicketLoad load, Uri address, byte[][] creations, HttpConnection connection)
        : base(connection)
    {
        (_load, _address, _creations) = (load, address, creations);
        TakeTicket();
    }

    protected override byte[] NextRequest()
    {
        _load.OnSent(_due, isTicket: _ticket is null);
        return _ticket is null ? _creations[Random.Shared.Next(_creations.Length)] : _question;
    }

    protected override void OnAnswer(HttpStatusCode status, ReadOnlySpan<byte> body)
    {
        if (_ticket is null)
        {
            OnCreation(status, body);
        }
        else if (status != HttpStatusCode.Accepted)
        {
            _load.OnEnded(_ticket, _due, new(status, Encoding.UTF8.GetString(body)));
            TakeTicket();
        }
        else if (Stopwatch.GetElapsedTime(_due) > _load.Deadline)
        {
            _load.OnLost();
            TakeTicket();
        }
        else
        {
            _pause = _load.Polling!.Value.Next(_pause);
            DueIn(_pause);
        }
    }

    private void OnCreation(HttpStatusCode status, ReadOnlySpan<byte> body)
    {
        if (status >= HttpStatusCode.InternalServerError)
        {
            _load.OnRefused();
            TakeTicket();
            DueIn(PollPolicy.Doubling.Longest);
            return;
        }

        if (status != HttpStatusCode.OK)
        {
            throw new HttpRequestException($"POST /ticket: {status}");
        }

        Utf8JsonReader json = new(body);
        while (json.Read() && json.TokenType != JsonTokenType.String)
        {
        }

        var ticket = json.GetString()!;
        _load.OnAccepted(ticket, _due);
        if (_load.Polling is not { } polling)
        {
            TakeTicket();
            return;
        }

        _ticket = ticket;
        _question = HttpConnection.Request(_address, $"/ticket?ticket_id={ticket}", null);
        _pause = polling.First;
        DueIn(_pause);
    }

    private void TakeTicket()
    {
        _ticket = null;
        if (_load.Take() is { } due)
        {
            _due = due;
            DueAt(due);
        }
        else
        {
            End();
        }
    }
}
