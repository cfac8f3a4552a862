using System.Globalization;
using System.Text.Json.Nodes;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// The user, the file system and the capabilities that a pod's manifest gives its container, for a process of this machine: in a mount
/// namespace of its own, which ends with it. Root alone may make one; for others, the process runs as it is.
/// </summary>
internal static class PodRights
{
    // Where every user can read it, whatever is above the checkout.
    private const string Folder = "/mnt";

    private const string Script = $"""
        mount --make-rprivate /
        mount --bind "$PROGRAM_FOLDER" {Folder}
        [ "$READ_ONLY" != True ] || for folder in / {Folder}; do mount -o remount,ro,bind "$folder"; done
        for folder in $SCRATCH; do mount -t tmpfs -o size=128m,mode=1777 scratch "$folder"; done
        unset PROGRAM_FOLDER READ_ONLY SCRATCH
        cd {Folder}
        exec setpriv "$@"
        """;

    public static bool AreKept => Environment.IsPrivilegedProcess;

    /// <summary>The command that runs a program with them.</summary>
    /// <param name="workload">A Deployment.</param>
    /// <param name="program">The program, in the folder with all that belongs to it.</param>
    public static IReadOnlyList<string> Of(JsonNode workload, string program)
    {
        if (!AreKept)
        {
            return [program];
        }

        var pod = workload["spec"]!["template"]!["spec"]!;
        var container = Assert.Single(pod["containers"]!.AsArray())!;
        var rights = container["securityContext"]!;
        var scratch = pod["volumes"]!.AsArray()
            .Where(volume => volume!["emptyDir"] is not null).Select(volume => (string)volume!["name"]!).ToHashSet();
        var folders = container["volumeMounts"]!.AsArray()
            .Where(mount => scratch.Contains((string)mount!["name"]!)).Select(mount => (string)mount!["mountPath"]!);
        List<string> command =
        [
            "env", $"READ_ONLY={(bool)rights["readOnlyRootFilesystem"]!}",
            $"SCRATCH={string.Join(' ', folders)}", $"PROGRAM_FOLDER={Path.GetDirectoryName(program)}",
            "unshare", "--mount", "sh", "-euc", Script, "sh",
            "--reuid", Number(pod["securityContext"]!["runAsUser"]), "--regid", Number(pod["securityContext"]!["runAsGroup"]),
            "--clear-groups",
            // The kernel forgets it when the user changes.
            "--pdeathsig", "KILL",
        ];
        if (!(bool)rights["allowPrivilegeEscalation"]!)
        {
            command.Add("--no-new-privs");
        }

        if (rights["capabilities"]!["drop"]!.AsArray().Any(capability => (string?)capability == "ALL"))
        {
            command.AddRange(["--bounding-set", "-all", "--inh-caps", "-all", "--ambient-caps", "-all"]);
        }

        command.Add(Path.Combine(Folder, Path.GetFileName(program)));
        return command;
    }

    private static string Number(JsonNode? number) => ((long)number!).ToString(CultureInfo.InvariantCulture);
}
