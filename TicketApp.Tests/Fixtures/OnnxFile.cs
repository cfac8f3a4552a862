using System.Runtime.InteropServices;
using System.Text;

namespace TicketApp.Tests.Fixtures;

/// <summary>Writes small networks as ONNX files: the few fields of its Protocol Buffers messages that the tests need.</summary>
/// <remarks>https://github.com/onnx/onnx/blob/main/onnx/onnx.proto</remarks>
internal static class OnnxFile
{
    public const int Float = 1;
    public const int Int64 = 7;
    public const int Text = 8;
    public const int Bool = 9;

    /// <summary>A file with one network.</summary>
    /// <param name="inputs">Its inputs: name, type and dimensions, of which -1 is any.</param>
    /// <param name="outputs">Its outputs.</param>
    /// <param name="weights">Numbers by name, with their dimensions.</param>
    /// <param name="nodes">What it does.</param>
    public static string Create(
        (string Name, int Type, long[] Shape)[] inputs,
        (string Name, int Type, long[] Shape)[] outputs,
        (string Name, float[] Numbers, long[] Shape)[] weights,
        params byte[][] nodes)
    {
        byte[] graph =
        [
            .. nodes.SelectMany(node => Message(1, node)),
            .. String(2, "test"),
            .. weights.SelectMany(weight => Message(5,
            [
                .. weight.Shape.SelectMany(size => Number(1, size)),
                .. Number(2, Float),
                .. String(8, weight.Name),
                .. Message(9, [.. MemoryMarshal.AsBytes(weight.Numbers.AsSpan())]),
            ])),
            .. inputs.SelectMany(input => Message(11, Value(input))),
            .. outputs.SelectMany(output => Message(12, Value(output))),
        ];
        byte[] model = [.. Number(1, 8), .. Message(7, graph), .. Message(8, [.. String(1, ""), .. Number(2, 13)])];
        var path = Path.Combine(Path.GetTempPath(), $"ticketapp-{Guid.NewGuid():N}.onnx");
        File.WriteAllBytes(path, model);
        return path;
    }

    /// <summary>One operation.</summary>
    /// <param name="operation">Its name.</param>
    /// <param name="inputs">Names of what it takes.</param>
    /// <param name="output">Name of what it makes.</param>
    /// <param name="attributes">Whole numbers by name; several are a list.</param>
    public static byte[] Node(
        string operation, string[] inputs, string output, params (string Name, bool IsList, long Number)[] attributes) =>
    [
        .. inputs.SelectMany(input => String(1, input)),
        .. String(2, output),
        .. String(4, operation),
        .. attributes.SelectMany(attribute => Message(5,
        [
            .. String(1, attribute.Name),
            .. Number(attribute.IsList ? 8 : 3, attribute.Number),
            .. Number(20, attribute.IsList ? 7 : 2),
        ])),
    ];

    private static byte[] Value((string Name, int Type, long[] Shape) value) =>
    [
        .. String(1, value.Name),
        .. Message(2, Message(1,
        [
            .. Number(1, value.Type),
            .. Message(2, [.. value.Shape.SelectMany((size, i) => Message(1, size < 0 ? String(2, $"d{i}") : Number(1, size)))]),
        ])),
    ];

    private static byte[] String(int field, string text) => Message(field, Encoding.UTF8.GetBytes(text));

    private static byte[] Message(int field, byte[] content) => [.. Varint((field << 3) | 2), .. Varint(content.Length), .. content];

    private static byte[] Number(int field, long number) => [.. Varint(field << 3), .. Varint(number)];

    private static IEnumerable<byte> Varint(long number)
    {
        for (; number >= 0x80; number >>= 7)
        {
            yield return (byte)(number | 0x80);
        }

        yield return (byte)number;
    }
}
