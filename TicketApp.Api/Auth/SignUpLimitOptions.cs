using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace TicketApp.Api.Auth;

/// <summary>How many users strangers create where they can, from the section <c>Limits</c>.</summary>
public sealed class SignUpLimitOptions
{
    public const string SectionName = "Limits";

    /// <summary>
    /// Users per minute that one address creates in open sign-up (<c>Auth:SignUp=anyone</c> in mode <c>keys</c>). Each replica counts
    /// separately; 0: no limit. Default: 10.
    /// </summary>
    [Range(0, 1_000_000)]
    public int SignUpsPerMinutePerAddress { get; set; } = 10;

    /// <summary>
    /// Users per minute that all addresses together create in open sign-up. Each replica counts separately; 0: no limit. Default: 60.
    /// </summary>
    [Range(0, 1_000_000)]
    public int SignUpsPerMinute { get; set; } = 60;
}

[OptionsValidator]
internal sealed partial class SignUpLimitOptionsValidator : IValidateOptions<SignUpLimitOptions>;
