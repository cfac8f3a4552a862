using Microsoft.Extensions.Options;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Storage;

/// <summary>Walks over old tickets, a page at a time, and removes those that ended long ago.</summary>
internal sealed partial class TicketPurge(
    PurgeStore store, DatabaseMigrator migrator, LoopProgress progress, IOptions<RetentionOptions> options, ILogger<TicketPurge> logger)
    : PurgeLoop(
        "removal of old tickets", options.Value.IntervalFor(options.Value.FinishedFor), migrator, progress, logger)
{
    private bool _beyondNow;
    private Guid _after;
    private int _purged;

    protected override async Task<bool> PurgeAsync(int part, CancellationToken stoppingToken)
    {
        var page = await store.PurgeAsync(_after, _beyondNow, part, stoppingToken);
        _purged += page.Purged;
        _after = page.Last ?? Guid.Empty;
        if (page.Last is null)
        {
            _beyondNow = !_beyondNow;
        }

        var isEnd = page.Last is null && !_beyondNow;
        if (isEnd && _purged > 0)
        {
            Log.Purged(logger, _purged);
            _purged = 0;
        }

        return !isEnd;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "{Count} tickets that ended long ago were removed")]
        public static partial void Purged(ILogger logger, int count);
    }
}

internal static class RetentionServices
{
    /// <summary>Adds the removal of finished tickets.</summary>
    public static IServiceCollection AddRetention(this IServiceCollection services)
    {
        services.AddOptions<RetentionOptions>().BindConfiguration(RetentionOptions.SectionName).ValidateOnStart();
        return services
            .AddSingleton<IValidateOptions<RetentionOptions>, RetentionOptionsValidator>()
            .AddSingleton<PurgeStore>()
            .AddHostedService<TicketPurge>();
    }
}
