using System.Net;
using Microsoft.Extensions.Options;
using TicketApp.Api.Webhooks;

namespace TicketApp.Tests.Webhooks.Unit;

/// <summary>Where webhooks may go.</summary>
public sealed class WebhookUrlTests
{
    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("9.255.255.255")]
    [InlineData("11.0.0.0")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.0")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.0")]
    [InlineData("192.167.255.255")]
    [InlineData("223.255.255.255")]
    [InlineData("2606:4700:4700::1111")]
    [InlineData("2a00:1450:4001:800::200e")]
    [InlineData("::ffff:1.1.1.1")]
    [InlineData("64:ff9b::101:101")]
    public void An_address_of_the_public_internet_is_one(string address)
    {
        Assert.True(PublicInternet.Contains(IPAddress.Parse(address)));
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("0.1.2.3")]
    [InlineData("10.0.0.1")]
    [InlineData("10.255.255.255")]
    [InlineData("100.64.0.1")]
    [InlineData("100.100.100.200")]
    [InlineData("100.127.255.255")]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.255")]
    [InlineData("168.63.129.16")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.192")]
    [InlineData("192.0.2.1")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("198.19.255.255")]
    [InlineData("198.51.100.1")]
    [InlineData("203.0.113.1")]
    [InlineData("224.0.0.1")]
    [InlineData("239.255.255.255")]
    [InlineData("240.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::127.0.0.1")] // IPv4-compatible
    [InlineData("::ffff:127.0.0.1")] // IPv4-mapped
    [InlineData("::ffff:a9fe:a9fe")]
    [InlineData("::ffff:0:127.0.0.1")] // translated
    [InlineData("64:ff9b::7f00:1")] // NAT64
    [InlineData("64:ff9b::a9fe:a9fe")]
    [InlineData("64:ff9b:1::101:101")] // local NAT64
    [InlineData("100::1")]
    [InlineData("2001::1")] // Teredo
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::")] // 6to4
    [InlineData("3fff::1")]
    [InlineData("5f00::1")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")] // metadata
    [InlineData("fe80::1")]
    [InlineData("fe80::1%1")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    public void Any_other_address_is_not(string address)
    {
        Assert.False(PublicInternet.Contains(IPAddress.Parse(address)));
    }

    [Theory]
    [InlineData("https://example.com/hook", "https://example.com/hook")]
    [InlineData("HTTPS://EXAMPLE.com:443?a=b%20c", "https://example.com/?a=b%20c")]
    [InlineData("https://example.com:8443/x/../y", "https://example.com:8443/y")]
    [InlineData("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC")]
    [InlineData("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/")]
    public void A_good_url_is_stored_in_one_form(string text, string stored)
    {
        Assert.True(Urls().TryRead(text, out var url, out _));
        Assert.Equal(stored, url);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("/hook")]
    [InlineData("//example.com/hook")]
    [InlineData("http://example.com/hook")]
    [InlineData("ftp://example.com/hook")]
    [InlineData("file:///etc/passwd")]
    [InlineData("gopher://example.com/")]
    [InlineData("https:///hook")]
    [InlineData("https://user@example.com/")]
    [InlineData("https://user:password@example.com/")]
    [InlineData("https://example.com/#fragment")]
    [InlineData("https://example.com:25/")]
    [InlineData("https://example.com:0/")]
    [InlineData("https://example.com:70000/")]
    [InlineData("https://localhost/")]
    [InlineData("https://localhost./")]
    [InlineData("https://a.localhost/")]
    [InlineData("https://intranet/")]
    [InlineData("https://127.0.0.1/")]
    [InlineData("https://127.1/")]
    [InlineData("https://0x7f.0.0.1/")]
    [InlineData("https://017700000001/")]
    [InlineData("https://2130706433/")]
    [InlineData("https://[::1]/")]
    [InlineData("https://[::ffff:127.0.0.1]/")]
    [InlineData("https://[fe80::1%25eth0]/")]
    [InlineData("https://169.254.169.254/latest/meta-data/")]
    public void A_bad_url_is_refused(string? text)
    {
        Assert.False(Urls().TryRead(text, out _, out var error));
        Assert.StartsWith("must ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_is_sent_is_refused_or_has_one_form_with_a_host()
    {
        string[] parts =
        [
            "https:", "http:", "//", "/", "\\", "example.com", "ü.example", "127.0.0.1", "[::1]", "[", "]", "@", ":", ":443", ":99999",
            "%00", "%", "?", "#", " ", "\t", "\0", ".", "..", "xn--", "xn--a", "\ud800", "\u202e", "１２７", "。", "a",
        ];
        Random random = new(1);
        var good = 0;
        for (var i = 0; i < 50_000; i++)
        {
            var picked = Enumerable.Range(0, random.Next(1, 7)).Select(_ => parts[random.Next(parts.Length)]);
            var text = (i % 2 == 0 ? "https://" : "") + string.Concat(picked);
            if (Urls().TryRead(text, out var url, out _))
            {
                good++;
                Assert.Matches("^https://[^/?#@]+", url);
                Assert.True(Urls().TryRead(url, out var again, out _), url);
                Assert.Equal(url, again);
            }
        }

        Assert.True(good > 100, $"{good}");
    }

    [Fact]
    public void A_url_that_is_too_long_is_refused()
    {
        Assert.False(Urls().TryRead($"https://example.com/{new string('a', 2000)}", out _, out _));
    }

    [Fact]
    public void Http_and_private_addresses_are_a_matter_of_settings()
    {
        Assert.True(Urls(new() { AllowHttp = true, AllowPrivateAddresses = true }).TryRead("http://127.0.0.1:5000/", out _, out _));
        Assert.False(Urls(new() { AllowHttp = true }).TryRead("http://127.0.0.1:5000/", out _, out _));
        Assert.False(Urls(new() { AllowPrivateAddresses = true }).TryRead("http://127.0.0.1:5000/", out _, out _));
    }

    private static WebhookUrls Urls(WebhookOptions? options = null) => new(Options.Create(options ?? new()));
}
