using System.Security.Cryptography;
using TicketApp.Api.Http;

namespace TicketApp.Tests.Fixtures;

/// <summary>Seals cursors in the tests' process.</summary>
internal static class TestCursors
{
    public static CursorSeal Create()
    {
        CursorSeal seal = new();
        seal.Use(RandomNumberGenerator.GetBytes(32));
        return seal;
    }
}
