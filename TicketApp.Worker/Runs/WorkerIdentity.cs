using System.Security.Cryptography;

namespace TicketApp.Worker.Runs;

/// <summary>This start of this process: another start is another worker, since it knows nothing of the first one's runs.</summary>
internal sealed class WorkerIdentity
{
    /// <summary>The host's name and a random part.</summary>
    public string Name { get; } = $"{Environment.MachineName}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
}
