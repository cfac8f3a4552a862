using TicketApp.Api.Auth;

namespace TicketApp.Tests.Auth.Unit;

public sealed class ApiKeyTests
{
    [Fact]
    public void A_new_key_is_read_back_and_unlike_any_other()
    {
        var (key, text) = ApiKey.Create();
        var (other, otherText) = ApiKey.Create();

        Assert.Matches("^tk_[0-9A-Za-z]{50}$", text);
        Assert.True(ApiKey.TryParse(text, out var read));
        Assert.Equal((key.Prefix, Convert.ToHexString(key.Hash)), (read.Prefix, Convert.ToHexString(read.Hash)));
        Assert.StartsWith(key.Prefix, text, StringComparison.Ordinal);
        Assert.NotEqual(text, otherText);
        Assert.NotEqual(key.Prefix, other.Prefix);
    }

    [Fact]
    public void A_mistyped_key_is_told_by_its_checksum()
    {
        var (_, text) = ApiKey.Create();
        for (var i = 0; i < text.Length; i++)
        {
            var mistyped = string.Concat(text.AsSpan(0, i), text[i] == 'x' ? "y" : "x", text.AsSpan(i + 1));
            Assert.False(ApiKey.TryParse(mistyped, out _), mistyped);
        }

        Assert.False(ApiKey.TryParse("", out _));
        Assert.False(ApiKey.TryParse(text[..^1], out _));
        Assert.False(ApiKey.TryParse(text + "x", out _));
    }
}
