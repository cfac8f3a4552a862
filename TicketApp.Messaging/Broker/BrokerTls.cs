using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using RabbitMQ.Client;

namespace TicketApp.Messaging.Broker;

/// <summary>
/// TLS to a broker whose address is <c>amqps</c>. Its certificate has to name the host, and to come from an authority that this machine
/// trusts, or from one in the file that the address names: <c>amqps://…?cacertfile=/run/secrets/ca.pem</c>, as in the URIs of RabbitMQ.
/// The file is read for each connection, so a renewed authority counts from the next one.
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
            var file = Uri.UnescapeDataString(parameter[RootParameter.Length..]);
            _ = RootsOf(file);
            // Its own words for a refusal do not say why.
            endpoint.Ssl.CertificateValidationCallback = (_, certificate, chain, errors) =>
                errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)
                    ? throw new AuthenticationException($"the certificate is not for the host {endpoint.HostName}")
                : IsFrom(RootsOf(file), certificate, chain) ? true
                : throw new AuthenticationException($"the certificate is not from an authority in {file}, or not valid now");
        }

        return endpoint;
    }

    private static X509Certificate2Collection RootsOf(string file)
    {
        X509Certificate2Collection roots = [];
        roots.ImportFromPemFile(file);
        return roots;
    }

    private static bool IsFrom(X509Certificate2Collection roots, X509Certificate? certificate, X509Chain? sent)
    {
        if (certificate is not X509Certificate2 leaf)
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
