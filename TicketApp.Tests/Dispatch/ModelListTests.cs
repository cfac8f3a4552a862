using System.Net.Http.Json;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Dispatch;

[Collection(AppCollection.Name)]
public sealed class ModelListTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task It_has_what_workers_report_with_how_many_serve_it()
    {
        var model = await Eventually.GetAsync("The simulated model with both workers", _limit, async () =>
        {
            var list = await app.Api.GetFromJsonAsync<JsonObject>("/v1/models", TestContext.Current.CancellationToken);
            return list!["results"]!.AsArray().FirstOrDefault(model =>
                model!["name"]!.GetValue<string>() == "simulated" && model["workers"]!.GetValue<int>() == 2);
        });

        Assert.Equal(200, model["slots"]!.GetValue<int>());
        Assert.True(model["is_default"]!.GetValue<bool>());
        Assert.Equal("""{"required":false,"max_characters":10000}""", model["input"]!.ToJsonString());
    }
}
