using System.Text.Json;
using Json.Schema;
using TicketApp.Api.Http;
using TicketApp.Messaging;

namespace TicketApp.Api.InputSchemas;

/// <summary>
/// Checks inputs against the schema that a model's workers announce. The library applies schemas to values; what each keyword says of a
/// value is in <see cref="Assertions"/>.
/// </summary>
internal sealed class InputCheck
{
    // Inputs nest as deep as bodies.
    private static readonly JsonDocumentOptions _reading = new() { AllowDuplicateProperties = false, MaxDepth = Payload.MaxDepth };

    private readonly JsonSchema _schema;

    /// <exception cref="JsonSchemaException">The library does not take it.</exception>
    public InputCheck(InputSchema schema)
    {
        Schema = schema;
        // A registry of its own, which goes with it and fetches nothing.
        BuildOptions options = new() { Dialect = Assertions.Dialect, SchemaRegistry = new() };
        _schema = JsonSchema.Build(JsonElement.Parse(schema.Checks), options);
    }

    public InputSchema Schema { get; }

    /// <summary>Adds what is wrong with an input, each at its place: <c>input/prompt</c>.</summary>
    public void Check(Payload input, FieldErrors errors)
    {
        try
        {
            var value = JsonElement.Parse(input.IsJson ? input.Text : $"\"{JsonEncodedText.Encode(input.Text)}\"", _reading);
            // Nearly all inputs are fine, which is known for a tenth of what errors cost.
            if (!_schema.Evaluate(value, new Effort(input) { OutputFormat = OutputFormat.Flag }).IsValid)
            {
                InputErrors.Add(_schema.Evaluate(value, new Effort(input) { OutputFormat = OutputFormat.Hierarchical }), errors);
            }
        }
        catch (JsonException)
        {
            errors.Add(InputErrors.Field, "must not have a name twice in an object");
        }
        catch (InvalidOperationException)
        {
            errors.Add(InputErrors.Field, "must not have an escape that is half a character");
        }
        catch (OperationCanceledException)
        {
            errors.Add(InputErrors.Field, "is too large to be checked against the model's schema");
        }
    }
}

/// <summary>What the check of one input may cost, whatever a schema and an input have in common.</summary>
internal sealed class Effort(Payload input) : EvaluationOptions
{
    // About 50 milliseconds, and enough to look at each number of a long array.
    private long _left = 50_000 + (3L * input.Text.Length);

    /// <exception cref="OperationCanceledException">It is used up: the check ends.</exception>
    public void Spend(long units)
    {
        if (units > _left || !System.Runtime.CompilerServices.RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new OperationCanceledException();
        }

        _left -= units;
    }
}
