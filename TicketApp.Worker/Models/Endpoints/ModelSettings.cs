using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using TicketApp.Messaging;
using TicketApp.ServiceDefaults;

namespace TicketApp.Worker.Models.Endpoints;

/// <summary>What every configured model can be set to, in the section <c>Models:NAME</c>.</summary>
public abstract class ModelSettings
{
    private const string AnyInput = "true";

    private InputSchema? _schema;

    /// <summary>Kind of the model: how it is asked. Default: required.</summary>
    public string Kind { get; set; } = "";

    /// <summary>Sentence for people, shown in the list of models. Default: set by the kind.</summary>
    [StringLength(500, MinimumLength = 1)]
    public string? Description { get; set; }

    /// <summary>
    /// Slots of the model. Overrides <c>Worker:Concurrency</c>; <c>Worker:Slots:NAME</c> overrides it. Default: set by the kind.
    /// </summary>
    [Range(1, ushort.MaxValue)]
    public int Slots { get; set; } = 16;

    /// <summary>Maximum length of a ticket's input, in characters. Default: 10000.</summary>
    [Range(1, 1_000_000)]
    public int MaxInputCharacters { get; set; } = 10_000;

    /// <summary>
    /// JSON Schema (2020-12) that the API checks inputs against: JSON, or the path of a file with it. <c>true</c>: none. Default: none, of
    /// replicate-http the container's.
    /// </summary>
    public string? InputSchema { get; set; }

    /// <summary>What input it takes.</summary>
    internal ModelInput GetInput() => new(IsRequired: true, MaxInputCharacters) { Schema = _schema };

    /// <summary>Reads <see cref="InputSchema"/>.</summary>
    /// <returns>What is wrong with it, to follow its name; null if nothing is.</returns>
    internal string? ReadSchema()
    {
        var text = InputSchema?.Trim();
        if (string.IsNullOrEmpty(text) || text == AnyInput)
        {
            return null;
        }

        try
        {
            if (text[0] != '{')
            {
                // White space counts for nothing, within reason.
                var content = new char[8 * Messaging.InputSchema.MaxBytes];
                using var file = File.OpenText(text);
                text = new string(content, 0, file.ReadBlock(content));
            }

            _schema = Messaging.InputSchema.Parse(text);
            return null;
        }
        catch (FormatException defect)
        {
            return $"cannot be used: {defect.Message}";
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return "is neither a JSON object nor the path of a file that can be read";
        }
    }

    /// <summary>What is wrong with them, apart from single values out of range; each names its setting.</summary>
    internal virtual IEnumerable<string> Defects(string path) => [];
}

/// <summary>What every model at an endpoint can be set to.</summary>
public abstract class EndpointSettings : ModelSettings
{
    private static readonly string[] _schemes = ["http", "https", "https+http", "http+https"];

    /// <summary>
    /// Address of the endpoint. <c>https+http://name</c> is a resource of the app, found by service discovery. Default: required.
    /// </summary>
    public Uri? Url { get; set; }

    /// <summary>Key that is sent as <c>Authorization: Bearer</c>. Not set: none. Default: not set.</summary>
    public string? ApiKey { get; set; }

    /// <summary>Headers of each request, such as <c>Models:NAME:Headers:X-Api-Key</c>. Default: none.</summary>
    public IDictionary<string, string> Headers { get; } = new Dictionary<string, string>();

    /// <summary>
    /// Maximum silence of the endpoint: until its answer begins, and within it. Leave enough time for it to load its model.
    /// Default: 00:05:00, of chat 00:01:00.
    /// </summary>
    [TimeSpanRange("00:00:00.100", "1.00:00:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Maximum size of what the endpoint sends for one request, in bytes. Streams have limits of their own. Default: 8388608.
    /// </summary>
    [Range(1024, 1024 * 1024 * 1024)]
    public int MaxAnswerBytes { get; set; } = 8 * 1024 * 1024;

    /// <summary>
    /// Whether requests to the endpoint use the proxy of <c>HTTPS_PROXY</c> and similar variables. false: requests never use a proxy.
    /// Default: false.
    /// </summary>
    public bool UseProxy { get; set; }

    /// <summary>
    /// Whether redirects are followed, so that another address receives the input and the headers. false: a redirect fails the attempt for
    /// good. Default: false.
    /// </summary>
    public bool FollowRedirects { get; set; }

    /// <summary>Where the endpoint is; requests go to paths below.</summary>
    internal virtual Uri Address => Url!;

    /// <summary>Whether <see cref="Url"/> may have a query, which a path below would follow.</summary>
    internal virtual bool TakesQuery => false;

    /// <summary>Which answer, as 429 and 503 do, says that the endpoint takes no more for now.</summary>
    internal virtual HttpStatusCode? Busy => null;

    internal override IEnumerable<string> Defects(string path)
    {
        // Neither the address nor a header is quoted: each may hold a key.
        if (Url is not { IsAbsoluteUri: true, Host.Length: > 0 } || !_schemes.Contains(Url.Scheme))
        {
            yield return $"{path}:Url must be an address with one of the schemes {string.Join(", ", _schemes)}.";
        }
        else if (Url.UserInfo.Length > 0 || Url.Fragment.Length > 0 || (Url.Query.Length > 0 && !TakesQuery))
        {
            yield return $"{path}:Url must have no user, no fragment and, except of http, no query. "
                + $"A key belongs into {path}:ApiKey or {path}:Headers.";
        }

        using HttpRequestMessage request = new();
        foreach (var (name, value) in Headers)
        {
            if (!IsText(value) || !request.Headers.TryAddWithoutValidation(name, value))
            {
                yield return $"{path}:Headers:{name} is no header that a request can have.";
            }
        }

        if (ApiKey is not null && !IsText(ApiKey))
        {
            yield return $"{path}:ApiKey has characters that a header cannot have.";
        }
    }

    private static bool IsText(string value) => value.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0;
}

/// <summary>One section <c>Models:NAME</c> of the configuration.</summary>
/// <param name="Name">What tickets call the model.</param>
/// <param name="Section">Its settings.</param>
internal sealed partial record ModelSection(string Name, IConfigurationSection Section)
{
    public const string Parent = "Models";

    /// <summary>How they are named in messages.</summary>
    public string Path => $"{Parent}:{Name}";

    /// <summary>For a kind's <c>section.Get</c>: a setting that there is not is a mistake.</summary>
    public static void Strictly(BinderOptions options) => options.ErrorOnUnknownConfiguration = true;

    /// <summary>The settings.</summary>
    /// <param name="bind">Reads them; written out by each kind, since the compiler makes what binds them.</param>
    /// <param name="validator">Checks single values.</param>
    /// <exception cref="InvalidOperationException">They cannot be used; the message names the setting.</exception>
    public T Read<T>(Func<IConfigurationSection, T?> bind, IValidateOptions<T> validator)
        where T : ModelSettings
    {
        T settings;
        try
        {
            settings = bind(Section) ?? throw new InvalidOperationException($"{Path} is empty.");
        }
        catch (InvalidOperationException exception)
            when (exception.Message.Contains(nameof(BinderOptions.ErrorOnUnknownConfiguration), StringComparison.Ordinal))
        {
            var names = exception.Message[(exception.Message.LastIndexOf(": ", StringComparison.Ordinal) + 2)..];
            throw new InvalidOperationException($"{Path} has settings that its kind does not have: {names}.", exception);
        }

        var schema = Section.GetSection(nameof(ModelSettings.InputSchema)).GetChildren().Any()
            ? "must be one text, with JSON or with the path of a file"
            : settings.ReadSchema();
        string[] defects =
        [
            .. validator.Validate(Path, settings).Failures ?? [],
            .. settings.Defects(Path),
            .. schema is null ? [] : (string[])[$"{Path}:{nameof(ModelSettings.InputSchema)} {schema}."],
        ];
        return defects.Length == 0 ? settings : throw new InvalidOperationException(string.Join(" ", defects));
    }

    /// <summary>All of a configuration.</summary>
    /// <exception cref="InvalidOperationException">One has a name that no model can have.</exception>
    public static IEnumerable<ModelSection> Of(IConfiguration configuration)
    {
        foreach (var section in configuration.GetSection(Parent).GetChildren())
        {
            // Names of variables are often written large, and settings are found whatever their case.
            var name = section.Key.ToLowerInvariant();
            yield return ModelName.IsMatch(name)
                ? new(name, section)
                : throw new InvalidOperationException(
                    $"{Parent}:{section.Key}: a model's name has up to 50 letters, digits and hyphens, and begins with no hyphen.");
        }
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,49}$")]
    private static partial Regex ModelName { get; }
}
