using System.Diagnostics;
using System.Globalization;
using OpenTelemetry;

namespace TicketApp.ServiceDefaults;

/// <summary>
/// Completes the spans of requests by what the semantic conventions for HTTP want and ASP.NET Core leaves out before .NET 11: names of method
/// and route, and the error of answers from 500.
/// </summary>
internal sealed class RequestSpans : BaseProcessor<Activity>
{
    public override void OnEnd(Activity data)
    {
        if (data.Source.Name != TelemetryNames.AspNetCore || data.GetTagItem("http.request.method") is not string method)
        {
            return;
        }

        data.DisplayName = data.GetTagItem("http.route") is string route ? $"{method} {route}" : method;
        if (data.GetTagItem("http.response.status_code") is int status and >= 500)
        {
            data.SetStatus(ActivityStatusCode.Error);
            data.SetTag("error.type", status.ToString(CultureInfo.InvariantCulture));
        }
    }
}
