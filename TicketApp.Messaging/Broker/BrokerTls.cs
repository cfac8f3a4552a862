using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using RabbitMQ.Client;

namespace TicketApp.Messaging.Broker;

/// <summary>
/// TLS to a broker whose address is <c>amqps</c>. Its certificate has to name the host, and to come from an authority that this machine
/// trusts, or from one in the file that the address names: <c>amqps://…?cacertfile=/run/secrets/ca.pem</c>, as in the URIs of RabbitMQ.
/// </summary>
internal static class BrokerTls
{
    private const string RootParameter = "cacertfile=";

    /// <summary>The address of one node.</summary>
    /// <exception cref="Exception">The file of authorities cannot be read.</exception>
    public static AmqpTcpEndpoint EndpointOf(Uri node)
    {
        var endpoint = new ConnectionFactory { Uri = node }.Endpoint;
        // The client's own default for amqps takes a certificate of any host.
        endpoint.Ssl.AcceptablePolicyErrors = SslPolicyErrors.None;
        var parameter = Array.Find(
            node.Query.TrimStart('?').Split('&'), part => part.StartsWith(RootParameter, StringComparison.OrdinalIgnoreCase));
        if (parameter is not null)
        {
            X509Certificate2Collection roots = [];
            roots.ImportFromPemFile(Uri.UnescapeDataString(parameter[RootParameter.Length..]));
            endpoint.Ssl.CertificateValidationCallback = (_, certificate, chain, errors) => IsFrom(roots, certificate, chain, errors);
        }

        return endpoint;
    }

    private static bool IsFrom(X509Certificate2Collection roots, X509Certificate? certificate, X509Chain? sent, SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 leaf || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
        {
            return false;
        }

        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        // Private authorities seldom say where their lists of revoked certificates are.
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ExtraStore.AddRange(sent?.ChainPolicy.ExtraStore ?? []);
        return chain.Build(leaf);
    }
}
