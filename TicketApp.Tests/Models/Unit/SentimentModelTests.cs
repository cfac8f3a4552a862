using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using TicketApp.Messaging;
using TicketApp.Worker.Models;

namespace TicketApp.Tests.Models.Unit;

/// <summary>The sentiment model as a worker has it: which answers it marks.</summary>
public sealed class SentimentModelTests
{
    [Theory]
    [InlineData("", null, true)]
    [InlineData("🤷", null, true)]
    [InlineData("A wonderful, moving and funny film", null, false)]
    [InlineData("A wonderful, moving and funny film", "1", true)]
    [InlineData("", "0.5", false)]
    public async Task An_answer_less_likely_than_the_level_is_marked_as_unsure(string input, string? level, bool unsure)
    {
        using var services = Services(level);
        var model = services.GetServices<IModel>().Single(model => model.Name == ModelNames.Sentiment);
        ModelRun run = new(Guid.NewGuid(), Payload.FromString(input), 1, new Progress<ModelProgress>());

        var one = await model.RunAsync(run, TestContext.Current.CancellationToken);
        var batch = await ((IBatchModel)model).RunBatchAsync([run], TestContext.Current.CancellationToken);

        Assert.Equal(unsure, one.Details!.ContainsKey("unsure"));
        Assert.Equal(one.Details.ToJsonString(), batch[0].Answer!.Details!.ToJsonString());
        Assert.EndsWith(unsure ? "\"unsure\":true}" : "}", one.Details.ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.49")]
    [InlineData("1.01")]
    [InlineData("NaN")]
    [InlineData("-1")]
    public void A_level_that_is_no_probability_of_an_answer_is_refused(string level)
    {
        using var services = Services(level);

        var exception = Assert.Throws<OptionsValidationException>(() => services.GetRequiredService<IOptions<SentimentOptions>>().Value);
        Assert.Contains(nameof(SentimentOptions.UnsureBelow), exception.Message, StringComparison.Ordinal);
    }

    private static ServiceProvider Services(string? level)
    {
        var settings = new ConfigurationBuilder().AddInMemoryCollection([new("Sentiment:UnsureBelow", level)]).Build();
        return new ServiceCollection()
            .AddSingleton(TimeProvider.System)
            .AddSingleton<IConfiguration>(settings)
            .AddModels()
            .BuildServiceProvider();
    }
}
