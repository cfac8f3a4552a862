using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

public static class DistributedApplicationTestingBuilder
{
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(CancellationToken cancellationToken = default)
        where TEntryPoint : class => CreateAsync<TEntryPoint>([], cancellationToken);

    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(string[] args, CancellationToken cancellationToken = default)
        where TEntryPoint : class => CreateAsync(typeof(TEntryPoint), args, cancellationToken);

    public static Task<IDistributedApplicationTestingBuilder> CreateAsync(Type entryPoint, string[] args, CancellationToken cancellationToken = default) =>
        CreateAsync(entryPoint, args, (_, _) => { }, cancellationToken);

    /// <summary>
    /// Runs the entry point of the assembly that holds <paramref name="entryPoint"/> up to where it builds the application.
    /// </summary>
    /// <param name="entryPoint">Any type of the AppHost's assembly.</param>
    /// <param name="args">The entry point's arguments, also read as configuration.</param>
    /// <param name="configureBuilder">Changes the options before the AppHost's builder is made.</param>
    /// <param name="cancellationToken">Gives up waiting for the entry point.</param>
    public static async Task<IDistributedApplicationTestingBuilder> CreateAsync(
        Type entryPoint,
        string[] args,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder,
        CancellationToken cancellationToken = default)
    {
        var run = new EntryPointRun(entryPoint.Assembly, args, configureBuilder);
        return new TestingBuilder(run, await run.StartAsync(cancellationToken));
    }
}
