using Json.Schema;
using TicketApp.Api.Http;

namespace TicketApp.Api.InputSchemas;

/// <summary>Makes errors for callers out of what the library says of a value: each at its place, and not too many.</summary>
internal sealed class InputErrors
{
    /// <summary>The field of a ticket that is checked.</summary>
    public const string Field = "input";

    private const int MaxErrors = 20;
    private const int MaxAlternatives = 5;
    private const int MaxPlace = 200;
    private const int MaxText = 500;

    private readonly List<(string Place, string Text)> _found = [];

    /// <summary>Adds the errors of a value that is not valid.</summary>
    public static void Add(EvaluationResults results, FieldErrors errors)
    {
        InputErrors all = new();
        all.Collect(results);
        foreach (var (place, text) in all._found.Distinct().Take(MaxErrors))
        {
            errors.Add(place.Length > MaxPlace ? $"{Field}{place[..MaxPlace]}…" : Field + place, text);
        }

        if (all._found.Count > MaxErrors)
        {
            errors.Add(Field, $"has more errors than the first {MaxErrors}, which are listed");
        }
    }

    /// <summary>A name as a part of a pointer.</summary>
    public static string Escape(string name) =>
        name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    private void Collect(EvaluationResults results)
    {
        if (results.IsValid || _found.Count > MaxErrors)
        {
            return;
        }

        var place = results.InstanceLocation.ToString();
        foreach (var (keyword, error) in results.Errors ?? [])
        {
            switch (keyword)
            {
                case "required" or "dependentRequired":
                    _found.AddRange(error.Split(Assertions.Separator).Select(name => ($"{place}/{Escape(name)}", "is required")));
                    break;
                case "contains":
                    _found.Add((place, "has too few or too many items of the kind that it must contain"));
                    break;
                default:
                    _found.Add((place, error));
                    break;
            }
        }

        var depth = results.EvaluationPath.SegmentCount;
        foreach (var applied in (results.Details ?? []).GroupBy(part => part.EvaluationPath[depth].ToString()))
        {
            switch (applied.Key)
            {
                case "if" or "contains":
                    break;
                case "not":
                    _found.AddRange(applied.Where(part => part.IsValid).Select(_ => (place, "is of a form that is not allowed")));
                    break;
                case "anyOf" or "oneOf":
                    CollectAlternatives(place, [.. applied], applied.Key == "oneOf");
                    break;
                case "propertyNames":
                    _found.AddRange(applied.Where(part => !part.IsValid)
                        .Select(part => (part.InstanceLocation.ToString(), "has a name that is not allowed")));
                    break;
                default:
                    foreach (var part in applied)
                    {
                        Collect(part);
                    }

                    break;
            }
        }
    }

    /// <summary>Which alternative was meant is not known: each says what it wants.</summary>
    private void CollectAlternatives(string place, EvaluationResults[] alternatives, bool isOne)
    {
        var count = alternatives.Count(alternative => alternative.IsValid);
        if (count > (isOne ? 1 : 0))
        {
            if (isOne)
            {
                _found.Add((place, "fits several alternatives, of which it must fit only one"));
            }

            return;
        }

        if (count == 1)
        {
            return;
        }

        var wishes = alternatives.Take(MaxAlternatives).Select(alternative =>
        {
            InputErrors inner = new();
            inner.Collect(alternative);
            var (at, wish) = inner._found[0];
            return at == place ? wish : $"{wish} at {at[(place.Length + 1)..]}";
        });
        var text = string.Join(", or ", wishes.Distinct());
        _found.Add((place, text.Length > MaxText ? $"{text[..MaxText]}…" : text));
    }
}
