using RabbitMQ.Client;
using TicketApp.Contracts.Broker;

namespace TicketApp.Worker.Runs;

/// <summary>
/// Acknowledges deliveries: those that continue what is acknowledged already on their channel with one frame for all of them, the
/// others one by one, since each that waits would hold a slot. Quick runs end nearly in order, so most share a frame.
/// </summary>
internal sealed class Acknowledgements
{
    private readonly Dictionary<IChannel, Progress> _channels = [];

    /// <summary>Acknowledges <paramref name="deliveries"/>; those of a lost connection are passed over, the broker has taken them back.</summary>
    public async Task AckAsync(IEnumerable<Delivery> deliveries)
    {
        foreach (var group in deliveries.Where(delivery => delivery.Channel.IsOpen).GroupBy(delivery => delivery.Channel))
        {
            if (!_channels.TryGetValue(group.Key, out var progress))
            {
                foreach (var closed in _channels.Keys.Where(channel => !channel.IsOpen).ToArray())
                {
                    _channels.Remove(closed);
                }

                _channels[group.Key] = progress = new();
            }

            await AckAsync(group.ToDictionary(delivery => delivery.Tag), progress);
        }
    }

    private static async Task AckAsync(Dictionary<ulong, Delivery> deliveries, Progress progress)
    {
        progress.Ahead.UnionWith(deliveries.Keys);
        Delivery? last = null;
        while (progress.Ahead.Remove(progress.AllUpTo + 1))
        {
            progress.AllUpTo++;
            if (deliveries.TryGetValue(progress.AllUpTo, out var delivery))
            {
                last = delivery;
            }
        }

        if (last is { } end)
        {
            await end.AckAsync(multiple: true);
        }

        foreach (var ahead in deliveries.Values.Where(delivery => delivery.Tag > progress.AllUpTo))
        {
            await ahead.AckAsync();
        }
    }

    /// <summary>How far a channel is.</summary>
    private sealed class Progress
    {
        public HashSet<ulong> Ahead { get; } = [];

        public ulong AllUpTo { get; set; }
    }
}
