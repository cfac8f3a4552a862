using System.Buffers;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using TicketApp.Worker.Models;
using TicketApp.Worker.Models.Endpoints;
using Tensor = TicketApp.Worker.Models.Endpoints.Tensor;

namespace TicketApp.Worker.Onnx;

/// <summary>Tensors of tickets as the runtime has them, and back.</summary>
internal static class OnnxTensors
{
    /// <summary>A type in the words of the Open Inference Protocol.</summary>
    /// <exception cref="NotSupportedException">It has no word for it.</exception>
    public static string NameOf(TensorElementType type) => type switch
    {
        TensorElementType.Bool => "BOOL",
        TensorElementType.UInt8 => "UINT8",
        TensorElementType.UInt16 => "UINT16",
        TensorElementType.UInt32 => "UINT32",
        TensorElementType.UInt64 => "UINT64",
        TensorElementType.Int8 => "INT8",
        TensorElementType.Int16 => "INT16",
        TensorElementType.Int32 => "INT32",
        TensorElementType.Int64 => "INT64",
        TensorElementType.Float16 => "FP16",
        TensorElementType.Float => "FP32",
        TensorElementType.Double => "FP64",
        TensorElementType.String => "BYTES",
        _ => throw new NotSupportedException($"The network has a tensor of {type}, which JSON has no form for."),
    };

    public static OrtValue ToValue(Tensor tensor) => tensor.Type.DataType switch
    {
        "BOOL" => Of(tensor, value => value.GetBoolean()),
        "UINT8" => Of(tensor, value => value.GetByte()),
        "UINT16" => Of(tensor, value => value.GetUInt16()),
        "UINT32" => Of(tensor, value => value.GetUInt32()),
        "UINT64" => Of(tensor, value => value.GetUInt64()),
        "INT8" => Of(tensor, value => value.GetSByte()),
        "INT16" => Of(tensor, value => value.GetInt16()),
        "INT32" => Of(tensor, value => value.GetInt32()),
        "INT64" => Of(tensor, value => value.GetInt64()),
        "FP16" => Of(tensor, value => (Float16)value.GetSingle()),
        "FP32" => Of(tensor, value => value.GetSingle()),
        "FP64" => Of(tensor, value => value.GetDouble()),
        _ => OfTexts(tensor),
    };

    /// <summary>An output.</summary>
    /// <exception cref="ModelException">It has NaN or an infinity, which JSON cannot say.</exception>
    public static Tensor ToTensor(string name, OrtValue value)
    {
        var info = value.GetTensorTypeAndShape();
        var type = NameOf(info.ElementDataType);
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer))
        {
            writer.WriteStartArray();
            try
            {
                Write(writer, type, value);
            }
            catch (ArgumentException)
            {
                throw EndpointFailures.Final($"The network's output {name} has NaN or infinity, which JSON has no numbers for");
            }

            writer.WriteEndArray();
        }

        return new(new(name, type, info.Shape), [.. JsonElement.Parse(buffer.WrittenSpan).EnumerateArray()]);
    }

    private static OrtValue Of<T>(Tensor tensor, Func<JsonElement, T> read)
        where T : unmanaged => OrtValue.CreateTensorValueFromMemory([.. tensor.Data.Select(read)], [.. tensor.Type.Shape]);

    private static OrtValue OfTexts(Tensor tensor)
    {
        var value = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, [.. tensor.Type.Shape]);
        for (var i = 0; i < tensor.Data.Count; i++)
        {
            value.StringTensorSetElementAt(tensor.Data[i].GetString(), i);
        }

        return value;
    }

    private static void Write(Utf8JsonWriter writer, string type, OrtValue value)
    {
        switch (type)
        {
            case "BOOL": Each<bool>(writer.WriteBooleanValue); break;
            case "UINT8": Each<byte>(number => writer.WriteNumberValue((uint)number)); break;
            case "UINT16": Each<ushort>(number => writer.WriteNumberValue((uint)number)); break;
            case "UINT32": Each<uint>(writer.WriteNumberValue); break;
            case "UINT64": Each<ulong>(writer.WriteNumberValue); break;
            case "INT8": Each<sbyte>(number => writer.WriteNumberValue((int)number)); break;
            case "INT16": Each<short>(number => writer.WriteNumberValue((int)number)); break;
            case "INT32": Each<int>(writer.WriteNumberValue); break;
            case "INT64": Each<long>(writer.WriteNumberValue); break;
            case "FP16": Each<Float16>(number => writer.WriteNumberValue((float)number)); break;
            case "FP32": Each<float>(writer.WriteNumberValue); break;
            case "FP64": Each<double>(writer.WriteNumberValue); break;
            default:
                foreach (var text in value.GetStringTensorAsArray())
                {
                    writer.WriteStringValue(text);
                }

                break;
        }

        void Each<T>(Action<T> write)
            where T : unmanaged
        {
            foreach (var item in value.GetTensorDataAsSpan<T>())
            {
                write(item);
            }
        }
    }
}
