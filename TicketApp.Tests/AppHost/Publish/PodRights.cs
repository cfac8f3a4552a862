using System.Globalization;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// The user, the file system, the capabilities and the limits that a manifest gives a container, for a process of this machine: in a
/// mount namespace of its own, which ends with it. Root alone may make one; for others, the process runs as it is.
/// </summary>
internal static class PodRights
{
    // Where every user can read it, whatever is above the checkout.
    private const string Folder = "/mnt";

    private const string Script = $"""
        for group in $LIMITS; do echo $$ >"$group/cgroup.procs"; done
        mount --make-rprivate /
        mount --bind "$PROGRAM_FOLDER" {Folder}
        if [ -n "$RUN" ]; then
          mount --bind "$RUN/hosts" /etc/hosts
          mount --bind "$RUN" /run
          mount -o remount,ro,bind /run
        fi
        [ "$READ_ONLY" != True ] || for folder in / {Folder}; do mount -o remount,ro,bind "$folder"; done
        for folder in $SCRATCH; do mount -t tmpfs -o size=128m,mode=1777 scratch "$folder"; done
        unset PROGRAM_FOLDER READ_ONLY SCRATCH LIMITS RUN
        cd {Folder}
        exec setpriv "$@"
        """;

    public static bool AreKept => Environment.IsPrivilegedProcess;

    /// <summary>The command that runs a program with them.</summary>
    /// <param name="workload">What its manifest says.</param>
    /// <param name="program">The program, in the folder with all that belongs to it.</param>
    /// <param name="limits">The group that it joins, if any.</param>
    /// <param name="run">What it sees as <c>/run</c>, in which <c>hosts</c> is its <c>/etc/hosts</c>; null: what everybody sees.</param>
    public static IReadOnlyList<string> Of(Workload workload, string program, ResourceLimits? limits = null, string? run = null)
    {
        if (!AreKept)
        {
            return [program];
        }

        List<string> command =
        [
            "env", $"RUN={run}", $"READ_ONLY={workload.HasReadOnlyRoot}", $"SCRATCH={string.Join(' ', workload.Scratch)}",
            $"LIMITS={string.Join(' ', limits?.Folders ?? [])}", $"PROGRAM_FOLDER={Path.GetDirectoryName(program)}",
            "unshare", "--mount", "sh", "-euc", Script, "sh",
            "--reuid", Number(workload.User), "--regid", Number(workload.Group), "--clear-groups",
            // The kernel forgets it when the user changes.
            "--pdeathsig", "KILL",
        ];
        if (!workload.MayGainPrivileges)
        {
            command.Add("--no-new-privs");
        }

        if (!workload.HasCapabilities)
        {
            command.AddRange(["--bounding-set", "-all", "--inh-caps", "-all", "--ambient-caps", "-all"]);
        }

        command.Add(Path.Combine(Folder, Path.GetFileName(program)));
        return command;
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
