using System.Globalization;

namespace TicketApp.Tests.Fixtures;

/// <summary>The application with two Api replicas that let only a few tickets of each user run at once.</summary>
public sealed class LimitedApp : RunningApp
{
    public const int MaxConcurrentPerUser = 2;

    protected override IReadOnlyDictionary<string, string> ApiSettings { get; } = new Dictionary<string, string>
    {
        ["Limits__MaxConcurrentPerUser"] = MaxConcurrentPerUser.ToString(CultureInfo.InvariantCulture),
    };

    protected override int ApiReplicas => 2;
}
