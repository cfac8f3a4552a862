using System.Globalization;

namespace Aspire.Hosting.Dashboard.Telemetry;

/// <summary>Ids of traces and spans in hexadecimal, as W3C writes them.</summary>
internal static class TraceIds
{
    public static string Format(UInt128 traceId) => traceId.ToString("x32", CultureInfo.InvariantCulture);

    public static string Format(ulong spanId) => spanId.ToString("x16", CultureInfo.InvariantCulture);

    public static bool TryParse(string? text, out UInt128 traceId)
    {
        traceId = default;
        return text?.Length == 32 && UInt128.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out traceId);
    }
}
