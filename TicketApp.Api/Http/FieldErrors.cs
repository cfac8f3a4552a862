namespace TicketApp.Api.Http;

/// <summary>Gathers what is wrong with a request, field by field, so that a caller learns of all at once.</summary>
internal sealed class FieldErrors
{
    private readonly SortedDictionary<string, string[]> _errors = new(StringComparer.Ordinal);

    public bool Any => _errors.Count > 0;

    public void Add(string field, string error) =>
        _errors[field] = _errors.TryGetValue(field, out var before) ? [.. before, error] : [error];

    /// <summary>The problem that names them all.</summary>
    public Problem ToProblem(ProblemType? type = null) =>
        (type ?? ProblemType.InvalidRequest).With($"Correct {string.Join(", ", _errors.Keys)} and send the request again.", _errors);
}
