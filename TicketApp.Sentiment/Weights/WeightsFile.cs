using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using TicketApp.Sentiment.Network;
using TicketApp.Sentiment.Text;

namespace TicketApp.Sentiment.Weights;

/// <summary>
/// The file that weights are kept in, little-endian: mark, format version, recipe, sizes, bias, vocabulary, linear model, networks,
/// and the SHA-256 of all of that.
/// </summary>
internal static class WeightsFile
{
    private const int Version = 1;

    private const int MaxBytes = 20 * 1024 * 1024;

    private static readonly byte[] _mark = "TICKETSENTIMENT\n"u8.ToArray();

    public static void Write(Stream stream, SentimentWeights weights)
    {
        using MemoryStream content = new();
        using (BinaryWriter writer = new(content, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(_mark);
            int[] numbers =
            [
                Version, weights.Recipe, weights.Vocabulary.Hashes.Length, weights.Linear.Weights.Length,
                weights.Networks.Count, weights.Input, weights.State,
            ];
            foreach (var number in numbers)
            {
                writer.Write(number);
            }

            writer.Write(weights.Bias);
            writer.Write(MemoryMarshal.AsBytes(weights.Vocabulary.Hashes));
            writer.Write(weights.Linear.Scale);
            writer.Write(MemoryMarshal.AsBytes(weights.Linear.Weights));
            foreach (var network in weights.Networks)
            {
                writer.Write(MemoryMarshal.AsBytes(network.Scales));
                writer.Write(MemoryMarshal.AsBytes(network.Words));
                foreach (var array in Arrays(network.Reader))
                {
                    writer.Write(MemoryMarshal.AsBytes<float>(array));
                }
            }
        }

        var bytes = content.ToArray();
        stream.Write(bytes);
        stream.Write(SHA256.HashData(bytes));
    }

    /// <exception cref="InvalidDataException">It is no file of weights, of another version, or damaged.</exception>
    public static SentimentWeights Read(Stream stream)
    {
        var bytes = ReadAll(stream);
        var content = bytes.AsSpan(0, Math.Max(0, bytes.Length - SHA256.HashSizeInBytes));
        if (!content.StartsWith(_mark))
        {
            throw new InvalidDataException("This is no file of sentiment weights.");
        }

        if (!SHA256.HashData(content).AsSpan().SequenceEqual(bytes.AsSpan(content.Length)))
        {
            throw new InvalidDataException("The sentiment weights are damaged: their checksum differs.");
        }

        WeightsReader reader = new(content[_mark.Length..]);
        var version = reader.Next<int>();
        return version == Version
            ? Read(ref reader)
            : throw new InvalidDataException(
                $"The sentiment weights are of format version {version}, and this program reads version {Version}.");
    }

    private static SentimentWeights Read(ref WeightsReader reader)
    {
        var (recipe, words, slots) = (reader.Next<int>(), reader.Next<int>(), reader.Next<int>());
        var (networks, input, state) = (reader.Next<int>(), reader.Next<int>(), reader.Next<int>());
        if (slots != Features.Slots)
        {
            throw new InvalidDataException($"The sentiment weights have {slots} slots, and this program {Features.Slots}.");
        }

        var bias = reader.Next<float>();
        Vocabulary vocabulary = new(reader.Next<ulong>(words));
        var scale = reader.Next<float>();
        LinearModel linear = new(reader.Next<sbyte>(slots), scale);
        var models = new NetworkModel[networks];
        for (var i = 0; i < networks; i++)
        {
            var scales = reader.Next<float>(words + 1);
            var rows = reader.Next<sbyte>((words + 1) * input);
            RecurrentReader network = new(input, state);
            foreach (var array in Arrays(network))
            {
                reader.Next<float>(array.Length).CopyTo(array, 0);
            }

            models[i] = new NetworkModel(rows, scales, network);
        }

        return new SentimentWeights(recipe, vocabulary, bias, linear, models);
    }

    private static float[][] Arrays(RecurrentReader reader) =>
    [
        reader.Forward.FromInput, reader.Forward.FromState, reader.Forward.Bias,
        reader.Backward.FromInput, reader.Backward.FromState, reader.Backward.Bias,
        reader.Output,
    ];

    private static byte[] ReadAll(Stream stream)
    {
        if (stream.Length > MaxBytes)
        {
            throw new InvalidDataException("This is no file of sentiment weights: it is too long.");
        }

        var bytes = GC.AllocateUninitializedArray<byte>((int)stream.Length);
        stream.ReadExactly(bytes);
        return bytes;
    }
}
