using System.Diagnostics;
using System.Text;
using TicketApp.Messaging;
using TicketApp.Worker.Models;

namespace TicketApp.Worker.Runs;

/// <summary>Gathers what a model says of its progress, at whatever rate, into a few reports a second.</summary>
internal sealed class RunProgress : IProgress<ModelProgress>
{
    // A run of four minutes has up to a thousand reports, one of a day seven times as many: the pause grows with the age.
    private const double PauseOfAge = 0.001;
    private const int MaxText = 1_000_000;

    private readonly long _created = Stopwatch.GetTimestamp();
    private readonly Lock _lock = new();
    private StringBuilder? _text;
    private double? _fraction;
    private long _lastTaken;
    private int _textTaken;
    private int _sequence;
    private volatile bool _isNews;

    public void Report(ModelProgress value)
    {
        lock (_lock)
        {
            if (value.Fraction is { } fraction && double.IsFinite(fraction))
            {
                _fraction = Math.Clamp(fraction, 0, 1);
                _isNews = true;
            }

            if (!string.IsNullOrEmpty(value.Text) && _textTaken + (_text?.Length ?? 0) + value.Text.Length <= MaxText)
            {
                (_text ??= new()).Append(value.Text);
                _isNews = true;
            }
        }
    }

    /// <summary>Adds to <paramref name="report"/> what is new since the last call; null if nothing is, or it is too soon.</summary>
    public WorkerReport? Take(Func<WorkerReport> report)
    {
        if (!_isNews || (_lastTaken != 0 && Stopwatch.GetElapsedTime(_lastTaken) < Stopwatch.GetElapsedTime(_created) * PauseOfAge))
        {
            return null;
        }

        lock (_lock)
        {
            _isNews = false;
            _lastTaken = Stopwatch.GetTimestamp();
            return report() with { Sequence = ++_sequence, Fraction = _fraction, Text = TakeText() };
        }
    }

    private string? TakeText()
    {
        // Half a character stays for the next time.
        var length = _text is { Length: > 0 } text && char.IsHighSurrogate(text[^1]) ? text.Length - 1 : _text?.Length ?? 0;
        if (length == 0)
        {
            return null;
        }

        var taken = Reportable.Text(_text!.ToString(0, length));
        _text.Remove(0, length);
        _textTaken += length;
        return taken;
    }
}
