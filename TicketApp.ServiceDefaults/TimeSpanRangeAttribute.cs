using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace TicketApp.ServiceDefaults;

/// <summary>
/// The shortest and the longest time that an option may be. <see cref="RangeAttribute"/> converts through a type's
/// converter, which a native build may not have.
/// </summary>
/// <param name="minimum">The shortest, as [d.]hh:mm:ss[.fff].</param>
/// <param name="maximum">The longest, likewise.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class TimeSpanRangeAttribute(string minimum, string maximum) : ValidationAttribute("{0} must be between {1} and {2}.")
{
    public string Minimum => minimum;

    public string Maximum => maximum;

    /// <inheritdoc/>
    public override bool IsValid(object? value) => value is not TimeSpan time || (time >= Parse(minimum) && time <= Parse(maximum));

    /// <inheritdoc/>
    public override string FormatErrorMessage(string name) =>
        string.Format(CultureInfo.InvariantCulture, ErrorMessageString, name, minimum, maximum);

    private static TimeSpan Parse(string text) => TimeSpan.Parse(text, CultureInfo.InvariantCulture);
}
