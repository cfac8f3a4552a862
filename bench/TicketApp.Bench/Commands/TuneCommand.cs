using TicketApp.Bench.Processes;

namespace TicketApp.Bench.Commands;

/// <summary>The closed and the open loop over variants of TicketApp's environment: see <see cref="VariantRounds"/>.</summary>
internal sealed class TuneCommand : IBenchCommand
{
    public string Name => "tune";

    public string Description =>
        "Closed and open loop over variants of the environment in interleaved rounds, for example "
        + "--variant default --variant \"no spin;DOTNET_ThreadPool_UnfairSemaphoreSpinLimit=0\"";

    public Task RunAsync(BenchSession session, CancellationToken cancellationToken) =>
        VariantRounds.RunAsync(session, [.. session.Options.Variants.DefaultIfEmpty("default").Select(Variant.Parse)], cancellationToken);
}
