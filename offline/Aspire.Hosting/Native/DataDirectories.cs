using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Aspire.Hosting.Native;

/// <summary>
/// Where the servers keep their data: one directory for each checkout under the user's local state, or a temporary one that
/// goes away with the application (in tests, and for servers without a data volume).
/// </summary>
internal sealed class DataDirectories(string appHostDirectory, string applicationName, bool isEphemeral) : IDisposable
{
    private const UnixFileMode Traversable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private const string TemporaryPrefix = "ticketapp-";

    private readonly Lock _lock = new();
    private readonly List<FileStream> _locks = [];
    private string? _persistent;
    private string? _temporary;

    public bool IsEphemeral { get; } = isEphemeral;

    /// <summary>Differs between two checkouts of the same application on one machine.</summary>
    public string ApplicationKey { get; } = string.Create(
        CultureInfo.InvariantCulture,
        $"{applicationName.ToLowerInvariant()}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(appHostDirectory)))[..10]}");

    /// <exception cref="DistributedApplicationException">Another AppHost of this checkout uses it.</exception>
    public string PersistentRoot
    {
        get
        {
            lock (_lock)
            {
                return _persistent ??= OpenPersistent();
            }
        }
    }

    public string TemporaryRoot
    {
        get
        {
            lock (_lock)
            {
                return _temporary ??= OpenTemporary();
            }
        }
    }

    public string Of(string resourceName, bool hasVolume) =>
        Path.Combine(hasVolume && !IsEphemeral ? PersistentRoot : TemporaryRoot, resourceName);

    public void Dispose()
    {
        if (_temporary is not null)
        {
            TryDelete(_temporary);
        }

        _locks.ForEach(file => file.Dispose());
    }

    private static bool IsTraversableByAll(string path)
    {
        for (var directory = new DirectoryInfo(path); directory is not null; directory = directory.Parent)
        {
            if (directory.Exists && !directory.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
            {
                return false;
            }
        }

        return true;
    }

    private static void TryDelete(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A server that is still going down may write once more. The next start sweeps what is left.
        }
    }

    private string OpenPersistent()
    {
        var state = Environment.GetEnvironmentVariable("XDG_STATE_HOME") is { Length: > 0 } configured
            ? configured
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "state");

        // Root's servers run as service users, who cannot pass through a private home directory.
        if (Environment.IsPrivilegedProcess && !IsTraversableByAll(state))
        {
            state = "/var/lib";
        }

        var root = Path.Combine(state, "ticketapp", ApplicationKey);
        Directory.CreateDirectory(root, Traversable);
        return TryLock(root)
            ? root
            : throw new DistributedApplicationException($"This AppHost is already running: another process uses its data directory {root}.");
    }

    private string OpenTemporary()
    {
        var parent = Path.GetTempPath();
        if (Environment.IsPrivilegedProcess && !IsTraversableByAll(parent))
        {
            parent = "/var/tmp";
        }

        foreach (var left in Directory.GetDirectories(parent, $"{TemporaryPrefix}*"))
        {
            SweepAbandoned(left);
        }

        var root = Path.Combine(parent, $"{TemporaryPrefix}{RandomNumberGenerator.GetHexString(10, lowercase: true)}");
        Directory.CreateDirectory(root, Traversable);
        TryLock(root);
        return root;
    }

    /// <summary>Deletes what a killed process left: its lock went with it.</summary>
    private void SweepAbandoned(string directory)
    {
        try
        {
            if (File.Exists(Path.Combine(directory, "lock")) && TryLock(directory))
            {
                TryDelete(directory);
                _locks[^1].Dispose();
                _locks.RemoveAt(_locks.Count - 1);
            }
        }
        catch (UnauthorizedAccessException)
        {
            // Another user's.
        }
    }

    private bool TryLock(string directory)
    {
        try
        {
            _locks.Add(new FileStream(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
