using Aspire.Hosting.Dashboard.Telemetry;

namespace Aspire.Hosting.Dashboard.Otlp;

/// <summary>opentelemetry/proto/metrics/v1: gauges, sums and histograms with explicit buckets. Other kinds are passed over.</summary>
internal static class OtlpMetrics
{
    private const ulong DeltaTemporality = 1;

    /// <summary>The points of an ExportMetricsServiceRequest.</summary>
    public static IReadOnlyCollection<ReceivedPoint> Read(ReadOnlySpan<byte> request)
    {
        var points = new List<ReceivedPoint>();
        OtlpFields.ReadItems(request, (metric, source, meter) => ReadMetric(metric, source, meter, points));
        return points;
    }

    private static void ReadMetric(ReadOnlySpan<byte> metric, TelemetrySource source, string meter, List<ReceivedPoint> points)
    {
        var name = "";
        var description = "";
        var unit = "";
        var data = 0;
        ReadOnlySpan<byte> body = default;
        var reader = new WireReader(metric);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    name = reader.Text;
                    break;
                case 2:
                    description = reader.Text;
                    break;
                case 3:
                    unit = reader.Text;
                    break;
                case 5 or 7 or 9:
                    data = reader.Field;
                    body = reader.Bytes;
                    break;
            }
        }

        if (data == 0)
        {
            return;
        }

        var isDelta = data != 5 && WireReader.FindNumber(body, 2) == DeltaTemporality;
        var kind = data switch
        {
            9 => InstrumentKind.Histogram,
            7 when WireReader.FindNumber(body, 3) != 0 => InstrumentKind.Counter,
            7 => InstrumentKind.UpDownCounter,
            _ => InstrumentKind.Gauge,
        };
        var instrument = new Instrument(meter, name, unit, description, kind);
        var pointReader = new WireReader(body);
        while (pointReader.NextOf(1))
        {
            var point = kind == InstrumentKind.Histogram ? ReadHistogramPoint(pointReader.Bytes) : ReadNumberPoint(pointReader.Bytes);
            points.Add(point with { Source = source, Instrument = instrument, IsDelta = isDelta });
        }
    }

    private static ReceivedPoint ReadNumberPoint(ReadOnlySpan<byte> message)
    {
        ulong time = 0;
        double value = 0;
        var attributes = new List<TelemetryAttribute>();
        var reader = new WireReader(message);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 3:
                    time = reader.Number;
                    break;
                case 4:
                    value = reader.Double;
                    break;
                case 6:
                    value = (long)reader.Number;
                    break;
                case 7:
                    attributes.Add(OtlpFields.ReadAttribute(reader.Bytes));
                    break;
            }
        }

        return new ReceivedPoint(time, attributes, value, [], []);
    }

    private static ReceivedPoint ReadHistogramPoint(ReadOnlySpan<byte> message)
    {
        ulong time = 0;
        double sum = 0;
        var attributes = new List<TelemetryAttribute>();
        var counts = new List<double>();
        var bounds = new List<double>();
        var reader = new WireReader(message);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 3:
                    time = reader.Number;
                    break;
                case 5:
                    sum = reader.Double;
                    break;
                case 6:
                    ReadNumbers(reader, number => counts.Add(number));
                    break;
                case 7:
                    ReadNumbers(reader, number => bounds.Add(BitConverter.UInt64BitsToDouble(number)));
                    break;
                case 9:
                    attributes.Add(OtlpFields.ReadAttribute(reader.Bytes));
                    break;
            }
        }

        return new ReceivedPoint(time, attributes, sum, [.. counts], [.. bounds]);
    }

    /// <summary>A repeated field of eight bytes each, which may come one by one or packed.</summary>
    private static void ReadNumbers(WireReader reader, Action<ulong> add)
    {
        if (reader.Bytes.IsEmpty)
        {
            add(reader.Number);
        }

        for (var packed = reader.Bytes; packed.Length >= sizeof(ulong); packed = packed[sizeof(ulong)..])
        {
            add(System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(packed));
        }
    }
}
