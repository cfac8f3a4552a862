using System.Text;

namespace Aspire.Hosting.Dashboard.Telemetry;

internal static class WireText
{
    /// <summary>Whether a record has that text in any of its strings, in either case. They stand in it as they are.</summary>
    public static bool Contains(byte[] wire, string text) =>
        Encoding.UTF8.GetString(wire).Contains(text, StringComparison.OrdinalIgnoreCase);
}
