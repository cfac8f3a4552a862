using System.Collections.Concurrent;
using System.Diagnostics;
using TicketApp.Api.Webhooks;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Webhooks.Unit;

public sealed class WebhookTelemetryTests
{
    [Fact]
    public async Task No_span_has_the_path_of_a_webhook()
    {
        await using var receiver = await WebhookReceiver.StartAsync((context, _) => Task.CompletedTask);
        ConcurrentQueue<Activity> spans = [];
        using ActivityListener listener = new()
        {
            ShouldListenTo = source => source.Name.StartsWith("System.Net.Http", StringComparison.Ordinal),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using HttpMessageInvoker http = new(WebhookTransport.CreateHandler(new() { AllowHttp = true, AllowPrivateAddresses = true }));
        using HttpRequestMessage request = new(HttpMethod.Post, $"{receiver.Url}/the-secret")
        {
            Content = new ByteArrayContent("{}"u8.ToArray()),
            Headers = { { "webhook-id", "msg_1" }, { "webhook-timestamp", "1" }, { "webhook-signature", "v1,x" } },
        };

        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.True(response.IsSuccessStatusCode);
        Assert.DoesNotContain(spans, span => span.TagObjects.Any(tag => $"{tag.Value}".Contains("the-secret", StringComparison.Ordinal)));
    }
}
