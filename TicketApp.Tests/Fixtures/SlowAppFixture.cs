namespace TicketApp.Tests.Fixtures;

/// <summary>The application with a model that takes far longer than a ticket may.</summary>
public sealed class SlowAppFixture : RunningApp
{
    public static TimeSpan Deadline { get; } = TimeSpan.FromSeconds(5);

    protected override IReadOnlyDictionary<string, string> ApiSettings { get; } = new Dictionary<string, string>
    {
        ["Tickets__Deadline"] = Deadline.ToString(),
    };

    protected override IReadOnlyDictionary<string, string> WorkerSettings { get; } = new Dictionary<string, string>
    {
        ["Simulator__MinDuration"] = "00:05:00",
        ["Simulator__MaxDuration"] = "00:05:00",
    };
}

[CollectionDefinition(Name)]
public sealed class SlowAppCollection : ICollectionFixture<SlowAppFixture>
{
    public const string Name = "The application with a slow model";
}
