namespace Aspire.Hosting.Testing;

/// <summary>An AppHost's model, halted before it is built, for a test to look at and to change.</summary>
public interface IDistributedApplicationTestingBuilder : IDistributedApplicationBuilder, IAsyncDisposable, IDisposable
{
    Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);
}
