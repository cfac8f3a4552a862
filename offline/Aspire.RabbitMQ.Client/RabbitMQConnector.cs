using System.Diagnostics;
using System.Net.Sockets;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Aspire.RabbitMQ.Client;

internal static class RabbitMQConnector
{
    public const string ActivitySourceName = "Aspire.RabbitMQ.Client";

    private static readonly ActivitySource _source = new(ActivitySourceName);

    public static async Task<IConnection> ConnectAsync(IConnectionFactory factory, int retries)
    {
        using var whole = Start("rabbitmq connect", factory.Uri);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await ConnectOnceAsync(factory);
            }
            catch (Exception e) when (attempt < retries && e is (SocketException or BrokerUnreachableException))
            {
                await Task.Delay(TimeSpan.FromSeconds(1 << Math.Min(attempt, 10)));
            }
        }
    }

    private static async Task<IConnection> ConnectOnceAsync(IConnectionFactory factory)
    {
        using var activity = Start("rabbitmq connect attempt", factory.Uri);
        activity?.SetTag("messaging.operation", "connect");
        try
        {
            return await factory.CreateConnectionAsync();
        }
        catch (Exception e)
        {
            activity?.SetTag("exception.message", e.Message);
            activity?.SetTag("exception.stacktrace", e.ToString());
            activity?.SetTag("exception.type", e.GetType().FullName);
            activity?.SetStatus(ActivityStatusCode.Error);
            throw;
        }
    }

    private static Activity? Start(string name, Uri address) =>
        _source.StartActivity(name, ActivityKind.Client)?
            .SetTag("server.address", address.Host)
            .SetTag("server.port", address.Port)
            .SetTag("messaging.system", "rabbitmq");
}
