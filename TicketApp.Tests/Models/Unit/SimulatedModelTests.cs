using Microsoft.Extensions.Options;
using TicketApp.Worker.Models;
using TicketApp.Worker.Runs;

namespace TicketApp.Tests.Models.Unit;

public sealed class SimulatedModelTests
{
    private static readonly SimulatedModel _model = new(
        Options.Create(new SimulatorOptions { MinDuration = TimeSpan.Zero, MaxDuration = TimeSpan.Zero }),
        TimeProvider.System);

    [Theory]
    [InlineData("""{"seed":1}""", "Happy message")]
    [InlineData("""{"seed":2}""", "Sad message")]
    [InlineData("""{"seed":2,"seconds":0,"progress":true}""", "Sad message")]
    public async Task A_seed_decides_the_answer(string input, string answer) =>
        Assert.Equal(answer, (await RunAsync(input)).Response);

    [Theory]
    [InlineData(null)]
    [InlineData("What a day!")]
    [InlineData("{")]
    [InlineData("""{"seed":"one"}""")]
    [InlineData("""{"seconds":-1}""")]
    public async Task Any_other_input_is_answered_at_random(string? input) =>
        Assert.EndsWith("message", (await RunAsync(input)).Response.Text, StringComparison.Ordinal);

    [Fact]
    public async Task It_fails_on_request() =>
        Assert.Equal("no", (await Assert.ThrowsAsync<ModelException>(() => RunAsync("""{"fail":"no"}"""))).Message);

    private static async Task<ModelAnswer> RunAsync(string? input) => await _model.RunAsync(
        new(Guid.NewGuid(), input is null ? null : new(input, false), Attempt: 1, new RunProgress()),
        TestContext.Current.CancellationToken);
}
