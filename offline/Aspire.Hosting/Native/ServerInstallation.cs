using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Native;

internal static class ServerInstallation
{
    /// <summary>One line for all that is missing, with the command that installs it.</summary>
    /// <exception cref="DistributedApplicationException">A server in the model is not installed.</exception>
    public static void Check(IEnumerable<IResource> resources)
    {
        var missing = resources.SelectMany(resource => resource.Annotations.OfType<NativeServerAnnotation>())
            .Select(native => native.Server.FindMissing())
            .OfType<MissingServer>()
            .ToArray();
        if (missing.Length > 0)
        {
            var command = File.Exists("/usr/bin/dnf")
                ? $"dnf install -y {string.Join(' ', missing.Select(server => server.DnfPackages))}"
                : $"apt-get install -y --no-install-recommends {string.Join(' ', missing.Select(server => server.AptPackages))}";
            var sudo = Environment.IsPrivilegedProcess ? "" : "sudo ";
            throw new DistributedApplicationException(
                $"Not installed: {string.Join(" and ", missing.Select(server => server.Name))}. Install with: {sudo}{command}");
        }
    }
}
