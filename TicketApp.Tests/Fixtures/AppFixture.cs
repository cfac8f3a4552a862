namespace TicketApp.Tests.Fixtures;

/// <summary>The application with a model that answers within milliseconds.</summary>
public sealed class AppFixture : RunningApp
{
    protected override IReadOnlyDictionary<string, string> WorkerSettings { get; } = new Dictionary<string, string>
    {
        ["Simulator__Min"] = "00:00:00.010",
        ["Simulator__Max"] = "00:00:00.050",
    };
}

[CollectionDefinition(Name)]
public sealed class AppCollection : ICollectionFixture<AppFixture>
{
    public const string Name = "The application";
}
