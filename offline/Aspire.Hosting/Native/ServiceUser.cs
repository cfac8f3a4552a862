namespace Aspire.Hosting.Native;

/// <summary>The account that a server runs under: its own where the AppHost runs as root, else the caller's.</summary>
internal sealed record ServiceUser(string? Name)
{
    /// <exception cref="DistributedApplicationException">Root, and the account does not exist.</exception>
    public static ServiceUser Of(string name) =>
        !Environment.IsPrivilegedProcess ? new ServiceUser((string?)null)
        : File.ReadLines("/etc/passwd").Any(line => line.StartsWith($"{name}:", StringComparison.Ordinal)) ? new ServiceUser(name)
        : throw new DistributedApplicationException($"The user '{name}', under which root runs this server, does not exist.");

    /// <summary>The command as this user. setpriv execs, so the process id stays that of the server.</summary>
    public IReadOnlyList<string> Run(params IEnumerable<string> command) =>
        Name is null ? [.. command] : ["setpriv", $"--reuid={Name}", $"--regid={Name}", "--init-groups", .. command];

    /// <summary>Makes the directory this user's alone.</summary>
    public Task CreateDirectoryAsync(string path, CancellationToken cancellationToken) =>
        Name is null
            ? Command.RunAsync(["install", "-d", "-m", "700", path], cancellationToken: cancellationToken)
            : Command.RunAsync(["install", "-d", "-m", "700", "-o", Name, "-g", Name, path], cancellationToken: cancellationToken);

    /// <summary>Gives a file that this process wrote to this user.</summary>
    public Task GiveAsync(string path, CancellationToken cancellationToken) =>
        Name is null ? Task.CompletedTask : Command.RunAsync(["chown", $"{Name}:{Name}", path], cancellationToken: cancellationToken);
}
