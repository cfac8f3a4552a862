using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Aspire.Hosting.Dashboard.Telemetry;

namespace Aspire.Hosting.Dashboard.Otlp;

internal sealed record TelemetryAttribute(string Key, string Value);

internal delegate void ItemReader(ReadOnlySpan<byte> item, TelemetrySource source, string scope);

/// <summary>What requests of all three signals have: resources, attributes and values (opentelemetry/proto/common/v1 and resource/v1).</summary>
internal static class OtlpFields
{
    private const int DeepestValue = 16;

    /// <summary>
    /// The spans, log records or metrics of a request, each with who sent it and under which name. In all three requests
    /// they are in fields of the same numbers: items (2) in scopes (2) in resources (1).
    /// </summary>
    public static void ReadItems(ReadOnlySpan<byte> request, ItemReader read)
    {
        var resources = new WireReader(request);
        while (resources.NextOf(1))
        {
            var source = ReadSource(WireReader.Find(resources.Bytes, 1));
            var scopes = new WireReader(resources.Bytes);
            while (scopes.NextOf(2))
            {
                var scope = Encoding.UTF8.GetString(WireReader.Find(WireReader.Find(scopes.Bytes, 1), 1));
                var items = new WireReader(scopes.Bytes);
                while (items.NextOf(2))
                {
                    read(items.Bytes, source, scope);
                }
            }
        }
    }

    /// <summary>A KeyValue.</summary>
    public static TelemetryAttribute ReadAttribute(ReadOnlySpan<byte> keyValue)
    {
        var reader = new WireReader(keyValue);
        var key = "";
        var value = "";
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    key = reader.Text;
                    break;
                case 2:
                    value = ReadValue(reader.Bytes);
                    break;
            }
        }

        return new TelemetryAttribute(key, value);
    }

    /// <summary>An AnyValue as text.</summary>
    public static string ReadValue(ReadOnlySpan<byte> anyValue) => ReadValue(anyValue, 0);

    public static UInt128 ReadTraceId(ReadOnlySpan<byte> id) => id.Length == 16 ? BinaryPrimitives.ReadUInt128BigEndian(id) : 0;

    public static ulong ReadSpanId(ReadOnlySpan<byte> id) => id.Length == 8 ? BinaryPrimitives.ReadUInt64BigEndian(id) : 0;

    private static TelemetrySource ReadSource(ReadOnlySpan<byte> resource)
    {
        var name = "unknown";
        var instance = "";
        var reader = new WireReader(resource);
        while (reader.NextOf(1))
        {
            var attribute = ReadAttribute(reader.Bytes);
            name = attribute.Key == "service.name" ? attribute.Value : name;
            instance = attribute.Key == "service.instance.id" ? attribute.Value : instance;
        }

        return new TelemetrySource(name, instance);
    }

    private static string ReadValue(ReadOnlySpan<byte> anyValue, int depth)
    {
        if (depth > DeepestValue)
        {
            throw new InvalidDataException("A value is nested too deep.");
        }

        var reader = new WireReader(anyValue);
        var value = "";
        while (reader.Next())
        {
            value = reader.Field switch
            {
                1 => reader.Text,
                2 => reader.Number == 0 ? "false" : "true",
                3 => ((long)reader.Number).ToString(CultureInfo.InvariantCulture),
                4 => reader.Double.ToString(CultureInfo.InvariantCulture),
                5 => $"[{ReadList(reader.Bytes, isMap: false, depth)}]",
                6 => $"{{{ReadList(reader.Bytes, isMap: true, depth)}}}",
                7 => Convert.ToBase64String(reader.Bytes),
                _ => value,
            };
        }

        return value;
    }

    private static string ReadList(ReadOnlySpan<byte> list, bool isMap, int depth)
    {
        var reader = new WireReader(list);
        var items = new List<string>();
        while (reader.NextOf(1))
        {
            var value = ReadValue(isMap ? WireReader.Find(reader.Bytes, 2) : reader.Bytes, depth + 1);
            items.Add(isMap ? $"{Encoding.UTF8.GetString(WireReader.Find(reader.Bytes, 1))}: {value}" : value);
        }

        return string.Join(", ", items);
    }
}
