namespace TicketApp.Api.Http;

/// <summary>How errors are written below a path that has a form of its own for them.</summary>
/// <param name="Prefix">What its paths begin with.</param>
/// <param name="ToResult">The answer to a request that has that problem.</param>
internal sealed record ErrorForm(string Prefix, Func<Problem, IResult> ToResult);

/// <summary>
/// Writes errors that arise outside of endpoints in the form that goes with the path: problems below <c>/v1</c>, the form of a façade below
/// its prefix, and the original's everywhere else.
/// </summary>
/// <param name="others">The forms that others have registered.</param>
internal sealed class ErrorForms(IEnumerable<ErrorForm> others)
{
    private readonly ErrorForm[] _forms = [new(ResourceApi.Prefix, problem => problem.ToResult()), .. others];

    /// <summary>Whether the path has the form of the original, which knows messages alone.</summary>
    public bool IsOriginal(HttpRequest request) => Of(request) is null;

    /// <summary>The answer to <paramref name="request"/>.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="problem">What is wrong.</param>
    public IResult Answer(HttpRequest request, Problem problem) =>
        Of(request) is { } form ? form.ToResult(problem) : ApiJson.WithMessage(problem.Status, problem.Message ?? problem.Detail);

    private ErrorForm? Of(HttpRequest request) =>
        Array.Find(_forms, form => request.Path.StartsWithSegments(form.Prefix, StringComparison.OrdinalIgnoreCase));
}
