using System.Text.Json;

namespace TicketApp.Worker.Models.Endpoints;

/// <summary>What a model says of one of its tensors.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DataType">Its type, in the words of the Open Inference Protocol.</param>
/// <param name="Shape">Its dimensions; -1 is any number.</param>
internal sealed record TensorType(string Name, string DataType, IReadOnlyList<long> Shape)
{
    /// <summary>Whether a shape is one of these.</summary>
    public bool Fits(IReadOnlyList<long> shape) =>
        shape.Count == Shape.Count && shape.Zip(Shape).All(pair => pair.Second < 0 || pair.First == pair.Second);

    public override string ToString() => $"{DataType}[{string.Join(',', Shape)}]";
}

/// <summary>Numbers, truth values or texts in rows. Each value stays as it was written.</summary>
/// <param name="Type">Name, type and dimensions.</param>
/// <param name="Data">Its values, the last dimension first.</param>
internal sealed record Tensor(TensorType Type, IReadOnlyList<JsonElement> Data)
{
    /// <summary>Reads nested arrays. Where they have fewer dimensions than the model, those in front are 1.</summary>
    /// <exception cref="FormatException">They are not of the type; the message says why, and quotes nothing of them.</exception>
    public static (Tensor Tensor, int Added) FromArrays(TensorType type, JsonElement value)
    {
        List<long> shape = [];
        List<JsonElement> data = [];
        Flatten(value, 0, shape, data);
        var added = Math.Max(0, type.Shape.Count - shape.Count);
        shape.InsertRange(0, Enumerable.Repeat(1L, added));
        if (!type.Fits(shape) || data.Count == 0)
        {
            throw new FormatException($"has the shape [{string.Join(',', shape)}] where the model takes {type}");
        }

        return (new Tensor(type with { Shape = shape }, data).Checked(), added);
    }

    /// <summary>Reads the protocol's form: <c>{"name":…,"datatype":…,"shape":[…],"data":[…]}</c>.</summary>
    /// <param name="json">The object.</param>
    /// <param name="types">What the model says of its tensors; empty: nothing.</param>
    /// <exception cref="FormatException">It is not a tensor.</exception>
    public static Tensor FromObject(JsonElement json, IReadOnlyList<TensorType> types)
    {
        if (json.ValueKind != JsonValueKind.Object
            || Text(json, "name") is not { } name || Text(json, "datatype") is not { } dataType
            || !json.TryGetProperty("shape", out var dimensions) || dimensions.ValueKind != JsonValueKind.Array
            || !json.TryGetProperty("data", out var values) || values.ValueKind != JsonValueKind.Array)
        {
            throw new FormatException("is not an object with name, datatype, shape and data");
        }

        var shape = dimensions.EnumerateArray()
            .Select(size => size.ValueKind == JsonValueKind.Number && size.TryGetInt64(out var number) && number is >= 0 and <= int.MaxValue
                ? number
                : throw new FormatException("has a shape with something else than whole numbers from 0"))
            .ToArray();
        if (types.Count > 0 && !types.Any(type => type.Name == name && type.DataType == dataType && type.Fits(shape)))
        {
            var known = string.Join(", ", types.Select(type => $"{type.Name} {type}"));
            throw new FormatException($"is not a tensor of the model, which has: {known}");
        }

        List<long> nesting = [];
        List<JsonElement> data = [];
        Flatten(values, 0, nesting, data);
        if (data.Count != Count(shape) || (nesting.Count > 1 && !nesting.SequenceEqual(shape)))
        {
            throw new FormatException("has data of another size than its shape");
        }

        return new Tensor(new(name, dataType, shape), data).Checked();
    }

    /// <summary>Several as one, in the first dimension.</summary>
    public static Tensor Concat(IReadOnlyList<Tensor> tensors) => new(
        tensors[0].Type with { Shape = [tensors.Sum(tensor => tensor.Type.Shape[0]), .. tensors[0].Type.Shape.Skip(1)] },
        [.. tensors.SelectMany(tensor => tensor.Data)]);

    /// <summary>A part of it, in the first dimension.</summary>
    public Tensor Slice(long first, long count)
    {
        var row = (int)(Data.Count / Type.Shape[0]);
        return new(
            Type with { Shape = [count, .. Type.Shape.Skip(1)] },
            [.. Data.Skip((int)first * row).Take((int)count * row)]);
    }

    /// <summary>Writes the protocol's form.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("name", Type.Name);
        writer.WriteString("datatype", Type.DataType);
        writer.WriteStartArray("shape");
        foreach (var size in Type.Shape)
        {
            writer.WriteNumberValue(size);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("data");
        foreach (var value in Data)
        {
            value.WriteTo(writer);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>Writes nested arrays, without the dimensions of 1 in front that were <paramref name="added"/> to the input.</summary>
    public void WriteArrays(Utf8JsonWriter writer, int added)
    {
        var next = 0;
        Write(Math.Min(added, Type.Shape.TakeWhile(size => size == 1).Count()));

        void Write(int dimension)
        {
            if (dimension == Type.Shape.Count)
            {
                Data[next++].WriteTo(writer);
                return;
            }

            writer.WriteStartArray();
            for (var i = 0L; i < Type.Shape[dimension]; i++)
            {
                Write(dimension + 1);
            }

            writer.WriteEndArray();
        }
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;

    private static long Count(long[] shape)
    {
        try
        {
            return shape.Aggregate(1L, (count, size) => checked(count * size));
        }
        catch (OverflowException)
        {
            return -1;
        }
    }

    private static void Flatten(JsonElement value, int depth, List<long> shape, List<JsonElement> data)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            if (depth != shape.Count)
            {
                throw new FormatException("has rows of different lengths");
            }

            data.Add(value);
            return;
        }

        var length = value.GetArrayLength();
        if (depth == shape.Count && data.Count == 0)
        {
            shape.Add(length);
        }
        else if (depth >= shape.Count || shape[depth] != length)
        {
            throw new FormatException("has rows of different lengths");
        }

        foreach (var child in value.EnumerateArray())
        {
            Flatten(child, depth + 1, shape, data);
        }
    }

    private Tensor Checked() => Data.All(IsOfType) ? this : throw new FormatException($"has a value that is no {Type.DataType}");

    private bool IsOfType(JsonElement value) => Type.DataType switch
    {
        "BOOL" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "BYTES" => value.ValueKind == JsonValueKind.String,
        _ when value.ValueKind != JsonValueKind.Number => false,
        "UINT8" => value.TryGetByte(out _),
        "UINT16" => value.TryGetUInt16(out _),
        "UINT32" => value.TryGetUInt32(out _),
        "UINT64" => value.TryGetUInt64(out _),
        "INT8" => value.TryGetSByte(out _),
        "INT16" => value.TryGetInt16(out _),
        "INT32" => value.TryGetInt32(out _),
        "INT64" => value.TryGetInt64(out _),
        "FP16" => IsWithin(value, (double)Half.MaxValue),
        "FP32" or "BF16" => IsWithin(value, float.MaxValue),
        "FP64" => IsWithin(value, double.MaxValue),
        _ => false,
    };

    private static bool IsWithin(JsonElement value, double max) => value.TryGetDouble(out var number) && Math.Abs(number) <= max;
}
