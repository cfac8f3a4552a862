using System.Runtime.CompilerServices;

namespace TicketApp.Tests.Fixtures;

/// <summary>The environment of the programs that tests start. This process, which trains and measures models, is not among them.</summary>
internal static class StartedPrograms
{
    private const string CountsCalls = "DOTNET_TC_CallCounting";

    /// <summary>For the minutes that they live, compiling methods again costs more than it brings: a fifth of all their time.</summary>
    [ModuleInitializer]
    public static void SetUp() =>
        Environment.SetEnvironmentVariable(CountsCalls, Environment.GetEnvironmentVariable(CountsCalls) ?? "0");
}
