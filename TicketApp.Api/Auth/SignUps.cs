using Microsoft.Extensions.Options;
using TicketApp.Api.Storage;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Auth;

/// <summary>
/// Those who signed up themselves and whose key was never used. They are in a table of their own, which nothing refers to, so that they can
/// be removed: a user stays for ever, since tickets may be theirs. With the first use of the key they become one.
/// </summary>
internal static class SignUps
{
    // A repetition finds it there, or its key in use.
    public const string InsertSql =
        """
        insert into sign_ups (user_id, prefix, hash)
        select w.* from unnest($1, $2, $3) w (user_id, prefix, hash) where not exists (select from api_keys k where k.prefix = w.prefix)
        on conflict do nothing
        """;

    /// <summary>Makes users of those with the keys $1 and their hashes $2.</summary>
    public const string UseKeysSql =
        """
        with used as (
            delete from sign_ups s using (
                select s.user_id from unnest($1, $2) sent (prefix, hash) join sign_ups s on s.prefix = sent.prefix and s.hash = sent.hash
                order by s.user_id for update of s) sent
            where s.user_id = sent.user_id returning s.user_id, s.time_created, s.prefix, s.hash),
        stored as (insert into users (user_id, time_created) select user_id, time_created from used)
        insert into api_keys (prefix, user_id, hash, time_created) select prefix, user_id, hash, time_created from used
        """;

    // Ids are in the order of time. One that is just being used is left to that.
    private const string PurgeSql =
        """
        delete from sign_ups where user_id = any(array(
            select user_id from sign_ups where user_id < $2 order by user_id limit $1 for update skip locked))
        """;

    /// <summary>Those go who signed up long ago and never came back.</summary>
    public static Expiry Expiry(RetentionOptions options) => new(
        "removal of unused users",
        options.IntervalFor(options.UnusedUsersFor),
        new ExpiryStatement(PurgeSql, () => Value(TicketIds.FirstAt(DateTimeOffset.UtcNow - options.UnusedUsersFor))));
}

internal static class SignUpServices
{
    /// <summary>Adds what bounds open sign-up: how many a minute, and for how long those stay who never came back.</summary>
    public static IServiceCollection AddSignUp(this IServiceCollection services) =>
        services
            .AddSingleton<SignUpLimit>()
            .AddExpiry(provider => SignUps.Expiry(provider.GetRequiredService<IOptions<RetentionOptions>>().Value));
}
