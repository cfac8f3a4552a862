using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting.Dashboard.Telemetry;
using Microsoft.AspNetCore.Http;

namespace Aspire.Hosting.Dashboard.Otlp;

/// <summary>
/// Takes OTLP by gRPC from whoever knows the key. Each of the three calls is one message there and an empty one back, which
/// over HTTP/2 is a request whose body is the message behind five bytes: whether it is compressed, and its length.
/// </summary>
internal sealed class OtlpReceiver(string apiKey, TelemetryStore telemetry)
{
    private const string ContentType = "application/grpc";
    private const int PrefixLength = 5;

    private readonly byte[] _apiKey = Encoding.UTF8.GetBytes(apiKey);

    /// <summary>gRPC's codes: the outcome of a call, where HTTP always says 200.</summary>
    private enum GrpcStatus
    {
        Ok = 0,
        InvalidArgument = 3,
        Unimplemented = 12,
        Unauthenticated = 16,
    }

    public async Task ReceiveAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        if (!HttpMethods.IsPost(request.Method) || request.ContentType?.StartsWith(ContentType, StringComparison.Ordinal) != true)
        {
            response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }

        response.ContentType = ContentType;
        var status = await CallAsync(request, context.RequestAborted);
        if (status == GrpcStatus.Ok)
        {
            response.DeclareTrailer("grpc-status");
            await response.Body.WriteAsync(new byte[PrefixLength], context.RequestAborted);
            response.AppendTrailer("grpc-status", "0");
        }
        else
        {
            response.Headers["grpc-status"] = ((int)status).ToString(CultureInfo.InvariantCulture);
        }
    }

    private async Task<GrpcStatus> CallAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(request.Headers["x-otlp-api-key"].ToString()), _apiKey))
        {
            return GrpcStatus.Unauthenticated;
        }

        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellationToken);
        try
        {
            return Store(request.Path, body.GetBuffer().AsSpan(0, (int)body.Length));
        }
        catch (InvalidDataException)
        {
            return GrpcStatus.InvalidArgument;
        }
    }

    private GrpcStatus Store(string? path, ReadOnlySpan<byte> body)
    {
        if (body.Length < PrefixLength || body.Length - PrefixLength != BinaryPrimitives.ReadUInt32BigEndian(body[1..]))
        {
            return GrpcStatus.InvalidArgument;
        }

        var message = body[PrefixLength..];
        switch (body[0] == 0 ? path : "compressed")
        {
            case "/opentelemetry.proto.collector.trace.v1.TraceService/Export":
                telemetry.Spans.Add(OtlpTraces.Read(message));
                return GrpcStatus.Ok;
            case "/opentelemetry.proto.collector.logs.v1.LogsService/Export":
                telemetry.Logs.Add(OtlpLogs.Read(message));
                return GrpcStatus.Ok;
            case "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export":
                telemetry.Metrics.Add(OtlpMetrics.Read(message));
                return GrpcStatus.Ok;
            default:
                return GrpcStatus.Unimplemented;
        }
    }
}
