using System.Net;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Facades;

/// <summary>A user of Replicate's API with a client of no official kind, where calls need no keys.</summary>
public abstract class ReplicateCaller(AppFixture app) : IAsyncLifetime
{
    protected const string Predictions = "/replicate/v1/predictions";
    protected const string OfSimulated = "/replicate/v1/models/anyone/simulated/predictions";

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected AppFixture App { get; } = app;

    // The description of the resource API does not say anything of this one.
    protected HttpClient Http { get; } = new();

    private protected ResourceClient Api => new(Http);

    public async ValueTask InitializeAsync()
    {
        Http.BaseAddress = App.Api.BaseAddress;
        Http.DefaultRequestHeaders.Authorization = new("Bearer", await App.CreateUserAsync());
    }

    public ValueTask DisposeAsync()
    {
        Http.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    private protected static string PathOf(ScriptedModel model) => $"/replicate/v1/models/anyone/{model.Name}/predictions";

    private protected static void AssertError(int status, ResourceAnswer answer)
    {
        Assert.True(status == (int)answer.Status, $"{(int)answer.Status} {answer.Body}");
        Assert.Equal("application/json; charset=utf-8", answer.ContentType);
        Assert.Equal(status, (int)answer.Json["status"]!);
        Assert.NotEmpty((string)answer.Json["title"]!);
        Assert.NotEmpty((string)answer.Json["detail"]!);
    }

    /// <summary>The fields that an answer says are not valid.</summary>
    private protected static string[] Invalid(ResourceAnswer answer)
    {
        AssertError(422, answer);
        return [.. answer.Json["invalid_fields"]!.AsArray().Select(field => (string)field!["field"]!)];
    }

    private protected async Task<ResourceAnswer> CreateAsync(
        string body, ScriptedModel? model = null, params (string Name, string Value)[] headers)
    {
        var answer = await Api.PostAsync(model is null ? OfSimulated : PathOf(model), body, headers);
        Assert.True(answer.Status == HttpStatusCode.Created, answer.Body);
        return answer;
    }

    /// <summary>A prediction that has ended.</summary>
    private protected async Task<ResourceAnswer> FinishAsync(string id)
    {
        await Api.GetAsync($"/v1/tickets/{id}", ("Prefer", "wait=30"));
        return await Api.GetAsync($"{Predictions}/{id}");
    }
}
