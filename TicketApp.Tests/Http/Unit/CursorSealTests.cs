using System.Buffers.Text;
using System.Security.Cryptography;
using TicketApp.Api.Http;

namespace TicketApp.Tests.Http.Unit;

public sealed class CursorSealTests
{
    private const string List = "tickets";

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly byte[] _position = Guid.NewGuid().ToByteArray();

    [Fact]
    public void Every_replica_with_the_key_reads_it()
    {
        Assert.Equal(_position, Seal(_key).Open(List, Seal(_key).Close(List, _position), _position.Length));
    }

    [Fact]
    public void It_shows_nothing_of_the_place()
    {
        var cursor = Seal(_key).Close(List, _position);

        Assert.Equal(-1, Base64Url.DecodeFromChars(cursor).AsSpan().IndexOf(_position.AsSpan(0, 4)));
        Assert.NotEqual(cursor, Seal(_key).Close(List, _position));
    }

    [Fact]
    public void A_changed_cursor_is_refused()
    {
        var cursor = Seal(_key).Close(List, _position);

        for (var i = 0; i < cursor.Length; i++)
        {
            var changed = cursor[..i] + (cursor[i] == 'A' ? 'B' : 'A') + cursor[(i + 1)..];
            Assert.Null(Seal(_key).Open(List, changed, _position.Length));
        }
    }

    [Fact]
    public void What_is_cut_from_another_list_or_under_another_key_is_refused()
    {
        var cursor = Seal(_key).Close(List, _position);

        Assert.Null(Seal(_key).Open(List, cursor[1..], _position.Length));
        Assert.Null(Seal(_key).Open(List, cursor + "A", _position.Length));
        Assert.Null(Seal(_key).Open(List, new string('A', 10_000), _position.Length));
        Assert.Null(Seal(_key).Open(List, "", _position.Length));
        Assert.Null(Seal(_key).Open("changes", cursor, _position.Length));
        Assert.Null(Seal(_key).Open(List, cursor, sizeof(long)));
        Assert.Null(Seal(RandomNumberGenerator.GetBytes(32)).Open(List, cursor, _position.Length));
    }

    private static CursorSeal Seal(byte[] key)
    {
        CursorSeal seal = new();
        seal.Use(key);
        return seal;
    }
}
