using System.Text.RegularExpressions;
using NetArchTest.Rules;
using TicketApp.Api.Http;
using TicketApp.Messaging;

namespace TicketApp.Tests.Architecture.Unit;

/// <summary>What may use what. See docs/architecture.md.</summary>
public sealed class FolderTests
{
    private const string Api = "TicketApp.Api";

    /// <summary>The folders of the API, each of which uses only those before it.</summary>
    private static readonly string[] _folders =
    [
        "Http", "InputSchemas", "Telemetry", "Storage", "Auth", "Dispatch", "Completion", "Tickets", "Waiting", "Webhooks", "Facades",
        "Facades.OpenAi", "Facades.Replicate", "Operations",
    ];

    public static TheoryData<string> Folders => [.. _folders];

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_folder_uses_only_the_folders_before_it(string folder)
    {
        string[] later =
        [
            .. _folders.SkipWhile(name => name != folder).Skip(1).Select(name => $"{Api}.{name}"),
            $"{Api}.HttpApi",
            $"{Api}.ApiExceptionHandler",
        ];

        var result = Types.InAssembly(typeof(ProblemType).Assembly)
            .That().ResideInNamespaceMatching($"^TicketApp\\.Api\\.{Regex.Escape(folder)}$")
            .ShouldNot().HaveDependencyOnAny(later)
            .GetResult();

        Assert.True(
            result.IsSuccessful,
            $"{Api}/{folder} may use only {string.Join(", ", _folders.TakeWhile(name => name != folder))}. "
            + "Move what these types use to an earlier folder, or let them be told by an interface: "
            + string.Join(", ", result.FailingTypeNames ?? []));
    }

    [Fact]
    public void Every_type_of_the_API_is_in_one_of_the_folders()
    {
        var outside = typeof(ProblemType).Assembly.GetTypes()
            .Where(type =>
                type.Namespace?.StartsWith($"{Api}.", StringComparison.Ordinal) == true
                && !_folders.Contains(type.Namespace[(Api.Length + 1)..]));

        Assert.Empty(outside);
    }

    [Fact]
    public void One_folder_alone_knows_the_library_of_JSON_Schema()
    {
        var result = Types.InAssembly(typeof(ProblemType).Assembly)
            .That().DoNotResideInNamespace($"{Api}.InputSchemas")
            .ShouldNot().HaveDependencyOn("Json.Schema")
            .GetResult();

        Assert.True(result.IsSuccessful, string.Join(", ", result.FailingTypeNames ?? []));
    }

    [Fact]
    public void The_messages_and_their_broker_know_neither_the_API_nor_the_worker()
    {
        var result = Types.InAssembly(typeof(TicketMessage).Assembly).ShouldNot().HaveDependencyOnAny(Api, "TicketApp.Worker").GetResult();

        Assert.True(result.IsSuccessful, string.Join(", ", result.FailingTypeNames ?? []));
    }

    [Fact]
    public void The_worker_does_not_know_the_database()
    {
        var result = Types.InAssembly(typeof(Worker.WorkerOptions).Assembly).ShouldNot().HaveDependencyOnAny(Api, "Npgsql").GetResult();

        Assert.True(result.IsSuccessful, string.Join(", ", result.FailingTypeNames ?? []));
    }
}
