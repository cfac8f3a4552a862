namespace TicketApp.Sentiment.Text;

/// <summary>Hashes by which words and their combinations are known in the weights: part of the file's format, so fixed.</summary>
internal static class WordHash
{
    public const ulong Seed = 14695981039346656037;
    private const ulong Prime = 1099511628211;

    /// <summary>The hash of what <paramref name="hash"/> stands for, followed by one character (FNV-1a).</summary>
    public static ulong Add(ulong hash, char c) => (hash ^ c) * Prime;

    public static ulong Of(ReadOnlySpan<char> word)
    {
        var hash = Seed;
        foreach (var c in word)
        {
            hash = Add(hash, c);
        }

        return Mix(hash);
    }

    /// <summary>The hash of two things in this order.</summary>
    public static ulong Pair(ulong first, ulong second) => Mix((first * 0x9E3779B97F4A7C15) ^ second);

    /// <summary>Spreads a hash over all of its bits (the finalizer of MurmurHash3).</summary>
    public static ulong Mix(ulong hash)
    {
        hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
        hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
        return hash ^ (hash >> 33);
    }
}
