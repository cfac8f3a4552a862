using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace TicketApp.Api.Auth;

/// <summary>Who may do what, from the section <c>Auth</c>.</summary>
public sealed class AccessOptions
{
    public const string SectionName = "Auth";
    public const string Open = "open";
    public const string Keys = "keys";
    public const string Anyone = "anyone";
    public const string Admin = "admin";

    /// <summary>
    /// <c>open</c>: every caller can do everything, as in the original. <c>keys</c>: each call carries a key. Default: <c>open</c> in
    /// Development, else <c>keys</c>.
    /// </summary>
    [Required, AllowedValues(Open, Keys, ErrorMessage = "Auth:Mode must be open or keys.")]
    public string Mode { get; set; } = Keys;

    /// <summary>
    /// Who can create users in mode <c>keys</c>: <c>anyone</c>, as in the original, or <c>admin</c> for calls with an admin key. Default:
    /// <c>anyone</c> in Development, else <c>admin</c>.
    /// </summary>
    [Required, AllowedValues(Anyone, Admin, ErrorMessage = "Auth:SignUp must be anyone or admin.")]
    public string SignUp { get; set; } = Admin;

    /// <summary>
    /// Admin keys, of at least 24 characters each. Without one, nobody can use <c>/v1/admin</c> in mode <c>keys</c>, nor create users where
    /// only administrators can. Default: none.
    /// </summary>
    public IList<string> AdminKeys { get; } = [];

    internal bool RequiresKeys => Mode == Keys;

    /// <summary>Whether strangers create users, each with a key of its own.</summary>
    internal bool HasOpenSignUp => RequiresKeys && SignUp == Anyone;
}

internal sealed class AccessOptionsValidator : IValidateOptions<AccessOptions>
{
    private const int MinAdminKey = 24;

    private readonly DeclaredAccessOptionsValidator _declared = new();

    public ValidateOptionsResult Validate(string? name, AccessOptions options) =>
        options.AdminKeys.Any(key => key.Length < MinAdminKey)
            ? ValidateOptionsResult.Fail($"Each of Auth:AdminKeys must have at least {MinAdminKey} characters.")
            : _declared.Validate(name, options);
}

[OptionsValidator]
internal sealed partial class DeclaredAccessOptionsValidator : IValidateOptions<AccessOptions>;
