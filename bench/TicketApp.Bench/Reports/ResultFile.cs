using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using TicketApp.Bench.Machine;

namespace TicketApp.Bench.Reports;

/// <summary>The figures of one command with what they were measured on, as <c>bench/results/&lt;name&gt;.json</c>.</summary>
internal sealed record ResultFile
{
    private static readonly JsonSerializerOptions _format = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        // Signs such as / and > as they are: the file is for people too.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public required string Command { get; init; }

    public required DateTimeOffset Date { get; init; }

    public required MachineDescription Machine { get; init; }

    /// <summary>The options that matter.</summary>
    public required IReadOnlyDictionary<string, object> Settings { get; init; }

    public required IReadOnlyList<Figure> Figures { get; init; }

    /// <summary>Reads a result; null without one of that name.</summary>
    public static async Task<ResultFile?> ReadAsync(string directory, string name, CancellationToken cancellationToken)
    {
        var path = Path.Combine(directory, name + ".json");
        return File.Exists(path)
            ? JsonSerializer.Deserialize<ResultFile>(await File.ReadAllTextAsync(path, cancellationToken), _format)
            : null;
    }

    public async Task<string> WriteAsync(string directory, string name, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, name + ".json");
        await File.WriteAllTextAsync(path, JsonSerializer.Serialize(this, _format) + "\n", cancellationToken);
        return path;
    }
}
