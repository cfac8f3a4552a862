using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using RabbitMQ.Client;
using TicketApp.Messaging.Broker;

namespace TicketApp.Tests.Messaging.Unit;

/// <summary>The connection string of the broker, which names one node or all of a cluster.</summary>
public sealed class BrokerNodesTests
{
    [Theory]
    [InlineData("amqp://a", "a:5672")]
    [InlineData("amqp://me:secret@a:5673/tickets", "a:5673")]
    [InlineData("amqp://me:secret@a:5673,b,c:5675/tickets", "a:5673 b:5672 c:5675")]
    [InlineData("amqp://me:secret@a, b/tickets", "a:5672 b:5672")]
    [InlineData("amqps://me:secret@a,b:5681", "a:5671 b:5681")]
    [InlineData("amqp://me:se,cret@[::1]:1,[::2]:2/", "[::1]:1 [::2]:2")]
    public void Each_host_of_a_connection_string_is_a_node(string connectionString, string nodes)
    {
        var factory = CreateFactory(connectionString);

        var endpoints = factory.EndpointResolverFactory([factory.Endpoint]).All().ToArray();

        Assert.Equal(nodes.Split(' '), endpoints.Select(endpoint => $"{endpoint.HostName}:{endpoint.Port}").Order(StringComparer.Ordinal));
        var isSecure = connectionString.StartsWith("amqps", StringComparison.Ordinal);
        Assert.All(endpoints, endpoint => Assert.Equal(isSecure, endpoint.Ssl.Enabled));
        Assert.All(endpoints, endpoint => Assert.Equal(endpoint.HostName, endpoint.Ssl.ServerName));
    }

    [Fact]
    public void User_password_and_virtual_host_are_those_of_all_nodes()
    {
        var factory = CreateFactory("amqp://me:se%2Fcret@a:5673,b/tick%2Fets");

        Assert.Equal(("me", "se/cret", "tick/ets"), (factory.UserName, factory.Password, factory.VirtualHost));
    }

    [Theory]
    [InlineData("a:5672,b:5672")]
    [InlineData("amqp://a:port,b")]
    [InlineData("http://a,b")]
    public void What_is_no_AMQP_URI_ends_the_start(string connectionString) =>
        Assert.ThrowsAny<Exception>(() => CreateFactory(connectionString));

    private static ConnectionFactory CreateFactory(string connectionString)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Configuration["ConnectionStrings:rabbitmq"] = connectionString;
        builder.AddBroker(HealthStatus.Unhealthy);
        using var host = builder.Build();
        return (ConnectionFactory)host.Services.GetRequiredService<IConnectionFactory>();
    }
}
