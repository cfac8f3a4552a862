using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>A publisher, package or stand-in, writes what the package once wrote of the same model.</summary>
public sealed class SampleTests
{
    [Fact]
    public async Task The_model_of_the_sample_becomes_its_chart() => Publication.AssertSame(
        Path.Combine(Repository.Root, "TicketApp.Tests", "AppHost", "Publish", "Sample"),
        (await Publication.OfAsync(SampleModel.Build)).Folder);
}
