using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace TicketApp.Api.Webhooks;

/// <summary>Signatures by the Standard Webhooks specification, symmetric form: HMAC-SHA256 over <c>id.timestamp.payload</c>.</summary>
internal static class WebhookSignature
{
    public const string SecretPrefix = "whsec_";

    /// <summary>The specification allows 24 to 64 bytes.</summary>
    public const int SecretBytes = 32;

    /// <summary>The value of <c>webhook-signature</c>: a signature for each secret, separated by spaces, and the first again.</summary>
    public static string Sign(IEnumerable<byte[]> secrets, string id, long timestamp, ReadOnlySpan<byte> payload)
    {
        byte[] signed = [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.")), .. payload];
        string[] signatures = [.. secrets.Select(secret => $"v1,{Convert.ToBase64String(HMACSHA256.HashData(secret, signed))}")];
        // StandardWebhooks 1.1 for .NET looks at the last of several only where it is the first: so the last is no new one.
        return string.Join(' ', signatures.Length == 1 ? signatures : [.. signatures, signatures[0]]);
    }

    /// <summary>A secret as its user sees it.</summary>
    public static string Format(byte[] secret) => SecretPrefix + Convert.ToBase64String(secret);
}
