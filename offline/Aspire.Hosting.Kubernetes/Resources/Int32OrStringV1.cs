using System.Globalization;

namespace Aspire.Hosting.Kubernetes.Resources;

public sealed record Int32OrStringV1(int? Number = null, string? Text = null)
{
    public Int32OrStringV1(int value)
        : this(Number: value)
    {
    }

    public Int32OrStringV1(string? value)
        : this(ParseNumber(value), ParseNumber(value) is null ? value : null)
    {
    }

    public string? Value => Number?.ToString(CultureInfo.InvariantCulture) ?? Text;

    public static implicit operator Int32OrStringV1(int value) => new(value);

    public static implicit operator Int32OrStringV1?(string? value) => value is null ? null : new(value);

    public override string? ToString() => Value;

    private static int? ParseNumber(string? value) => int.TryParse(value, CultureInfo.InvariantCulture, out var number) ? number : null;
}
