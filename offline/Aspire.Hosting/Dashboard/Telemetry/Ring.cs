namespace Aspire.Hosting.Dashboard.Telemetry;

/// <summary>The latest items, at most so many and of at most so many bytes together: the oldest make room. Not safe for threads.</summary>
internal sealed class Ring<T>(int maxCount, long maxBytes, Func<T, int> sizeOf, Action<T>? onEvicted = null)
{
    private readonly T[] _items = new T[maxCount];
    private int _first;
    private long _bytes;

    public int Count { get; private set; }

    public void Add(T item)
    {
        var size = sizeOf(item);
        while (Count > 0 && (Count == _items.Length || _bytes + size > maxBytes))
        {
            Evict();
        }

        _items[(_first + Count) % _items.Length] = item;
        Count++;
        _bytes += size;
    }

    public IEnumerable<T> NewestFirst()
    {
        for (var i = Count - 1; i >= 0; i--)
        {
            yield return _items[(_first + i) % _items.Length];
        }
    }

    private void Evict()
    {
        var item = _items[_first];
        _items[_first] = default!;
        _first = (_first + 1) % _items.Length;
        Count--;
        _bytes -= sizeOf(item);
        onEvicted?.Invoke(item);
    }
}
