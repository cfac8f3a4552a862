using System.Buffers;
using System.Text;

namespace Aspire.Hosting.Dashboard.Telemetry;

/// <summary>Looks for text in records as they came, where strings stand as they are between what is no text.</summary>
internal sealed class WireText(string text)
{
    // Latin-1 gives each byte a character of its own: nothing is invalid, and nothing is slow because of that.
    private readonly string _bytes = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>Whether a name has the text in it, in either case.</summary>
    public bool IsIn(string name) => name.Contains(text, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether any string of a record has it, in either case of the letters A to Z.</summary>
    public bool IsIn(byte[] wire)
    {
        var characters = ArrayPool<char>.Shared.Rent(wire.Length);
        var length = Encoding.Latin1.GetChars(wire, characters);
        var isFound = characters.AsSpan(0, length).Contains(_bytes, StringComparison.OrdinalIgnoreCase);
        ArrayPool<char>.Shared.Return(characters);
        return isFound;
    }
}
