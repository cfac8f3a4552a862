using RabbitMQ.Client;
using TicketApp.Contracts.Broker;

namespace TicketApp.Worker.Runs;

/// <summary>
/// Acknowledges deliveries: those that continue what is acknowledged already with one frame for all of them, the others one by
/// one, since each that waits would hold a slot. Quick runs end nearly in order, so most share a frame.
/// </summary>
internal sealed class Acknowledgements
{
    private readonly HashSet<ulong> _ahead = [];
    private IChannel? _channel;
    private ulong _allUpTo;

    /// <summary>Acknowledges <paramref name="deliveries"/>; those of a lost connection are passed over, the broker has taken them back.</summary>
    public async Task AckAsync(IEnumerable<Delivery> deliveries)
    {
        foreach (var group in deliveries.Where(delivery => delivery.Channel.IsOpen).GroupBy(delivery => delivery.Channel))
        {
            if (_channel != group.Key)
            {
                (_channel, _allUpTo) = (group.Key, 0);
                _ahead.Clear();
            }

            await AckAsync(group.ToDictionary(delivery => delivery.Tag));
        }
    }

    private async Task AckAsync(Dictionary<ulong, Delivery> deliveries)
    {
        _ahead.UnionWith(deliveries.Keys);
        Delivery? last = null;
        while (_ahead.Remove(_allUpTo + 1))
        {
            _allUpTo++;
            if (deliveries.TryGetValue(_allUpTo, out var delivery))
            {
                last = delivery;
            }
        }

        if (last is { } end)
        {
            await end.AckAsync(multiple: true);
        }

        foreach (var ahead in deliveries.Values.Where(delivery => delivery.Tag > _allUpTo))
        {
            await ahead.AckAsync();
        }
    }
}
