using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using TicketApp.Api.Webhooks;

namespace TicketApp.Tests.Webhooks.Unit;

public sealed class WebhookSignatureTests
{
    // The vector that the specification's own libraries are tested with.
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private const string Id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    private const long Timestamp = 1614265330;
    private const string Payload = """{"test": 2432232314}""";
    private const string Signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    private static byte[] Key => Convert.FromBase64String(Secret["whsec_".Length..]);

    [Fact]
    public void It_is_that_of_the_specification()
    {
        Assert.Equal(Signature, WebhookSignature.Sign([Key], Id, Timestamp, Encoding.UTF8.GetBytes(Payload)));
        Assert.Equal(Secret, WebhookSignature.Format(Key));
    }

    [Fact]
    public void Each_secret_signs()
    {
        var both = WebhookSignature.Sign([new byte[32], Key], Id, Timestamp, Encoding.UTF8.GetBytes(Payload)).Split(' ');

        // The first again: a library of .NET overlooks the last.
        Assert.Equal(3, both.Length);
        Assert.Equal(both[0], both[2]);
        Assert.NotEqual(Signature, both[0]);
        Assert.StartsWith("v1,", both[0], StringComparison.Ordinal);
        Assert.Equal(Signature, both[1]);
    }

    [Fact]
    public void A_sealed_secret_opens_for_its_user_and_key_only()
    {
        var user = Guid.NewGuid();
        var stored = Seal("a key of thirty-two characters at least").Close(user, Key);

        Assert.Equal(-1, stored.AsSpan().IndexOf(Key));
        Assert.Equal(Key, Seal("a key of thirty-two characters at least").Open(user, stored));
        Assert.ThrowsAny<CryptographicException>(() => Seal("a key of thirty-two characters at most.").Open(user, stored));
        Assert.ThrowsAny<CryptographicException>(() => Seal("a key of thirty-two characters at least").Open(Guid.NewGuid(), stored));
        Assert.ThrowsAny<CryptographicException>(() => Seal(null).Open(user, stored));
    }

    [Fact]
    public void A_secret_from_before_there_was_a_key_stays_readable()
    {
        var user = Guid.NewGuid();

        Assert.Equal(Key, Seal("a key of thirty-two characters at least").Open(user, Seal(null).Close(user, Key)));
    }

    private static SecretProtector Seal(string? key) => new(Options.Create(new WebhookOptions { SecretKey = key }));
}
