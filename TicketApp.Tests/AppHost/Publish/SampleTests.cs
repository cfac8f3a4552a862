using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>Whoever publishes here, the real packages or their stand-in, writes what the real ones once wrote for the same model.</summary>
public sealed class SampleTests
{
    private static readonly Chart _expected = new(Path.Combine(Repository.Root, "TicketApp.Tests", "AppHost", "Publish", "Sample"));

    [Fact]
    public async Task The_model_of_the_sample_becomes_its_chart()
    {
        var actual = await Publication.OfAsync(SampleModel.Build);

        Assert.Equal(_expected.Files, actual.Files);
        AssertSame("values.yaml", _expected.Values, actual.Values);
        AssertSame("Chart.yaml", Yaml.Parse(await ReadAsync(_expected)), Yaml.Parse(await ReadAsync(actual)));
        var values = _expected.MarkedValues();
        Assert.All(_expected.Files, file => AssertSame(file, _expected.Parse(file, values), actual.Parse(file, values)));
    }

    internal static void AssertSame(string name, JsonNode expected, JsonNode actual) =>
        Assert.True(JsonNode.DeepEquals(expected, actual), $"{name} should be\n{expected}\nand is\n{actual}");

    private static Task<string> ReadAsync(Chart chart) => File.ReadAllTextAsync(Path.Combine(chart.Folder, "Chart.yaml"), TestContext.Current.CancellationToken);
}
