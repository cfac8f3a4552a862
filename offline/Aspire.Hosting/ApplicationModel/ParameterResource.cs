namespace Aspire.Hosting.ApplicationModel;

public class ParameterResource(string name, Func<ParameterDefault?, string> callback, bool secret = false) : Resource(name), IExpressionValue
{
    private readonly Lock _lock = new();

    public ParameterDefault? Default { get; set; }

    public bool Secret { get; } = secret;

    public string? Description { get; set; }

    public string ValueExpression => $"{{{Name}.value}}";

    /// <summary>The value, made once: a generated one must not differ between two consumers.</summary>
    /// <exception cref="MissingParameterValueException">Neither configured nor defaulted.</exception>
    internal string ResolvedValue
    {
        get
        {
            lock (_lock)
            {
                return field ??= callback(Default);
            }
        }
    }

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken) => ValueTask.FromResult<string?>(ResolvedValue);
}
