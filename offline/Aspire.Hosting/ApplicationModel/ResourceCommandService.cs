using Aspire.Hosting.Running;

namespace Aspire.Hosting.ApplicationModel;

public sealed class ExecuteCommandResult
{
    public required bool Success { get; init; }

    public bool Canceled { get; init; }

    public string? Message { get; init; }

    public CommandResultData? Data { get; init; }
}

/// <summary>What a command has brought, beside whether it succeeded.</summary>
public sealed class CommandResultData
{
    public required string Value { get; init; }
}

/// <summary>Starts, stops and restarts what runs (<see cref="KnownResourceCommands"/>), and runs the commands of its annotations.</summary>
public class ResourceCommandService
{
    private readonly InstanceRegistry _instances;
    private readonly ResourceLoggerService _loggers;
    private readonly IServiceProvider _services;

    internal ResourceCommandService(InstanceRegistry instances, ResourceLoggerService loggers, IServiceProvider services)
    {
        _instances = instances;
        _loggers = loggers;
        _services = services;
    }

    /// <summary>On all replicas at once.</summary>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(IResource resource, string commandName, CancellationToken cancellationToken = default)
    {
        var results = await Task.WhenAll(_instances.Of(resource).Select(instance => ExecuteAsync(instance, commandName, cancellationToken)));
        return results.FirstOrDefault(result => !result.Success)
            ?? (results.Length > 0 ? results[0] : Failure($"Resource '{resource.Name}' does not run."));
    }

    /// <summary>On one instance, named by its id or, if there is just one, by the resource's name.</summary>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(string resourceId, string commandName, CancellationToken cancellationToken = default) =>
        _instances.Find(resourceId) is { } instance
            ? await ExecuteAsync(instance, commandName, cancellationToken)
            : Failure($"Resource '{resourceId}' not found.");

    private async Task<ExecuteCommandResult> ExecuteAsync(ResourceInstance instance, string commandName, CancellationToken cancellationToken)
    {
        try
        {
            if (commandName == KnownResourceCommands.StopCommand || commandName == KnownResourceCommands.RestartCommand)
            {
                await instance.StopAsync(cancellationToken);
            }

            if (commandName == KnownResourceCommands.StartCommand || commandName == KnownResourceCommands.RestartCommand)
            {
                await instance.StartAsync(cancellationToken);
                return new ExecuteCommandResult { Success = true };
            }

            return commandName == KnownResourceCommands.StopCommand
                ? new ExecuteCommandResult { Success = true }
                : await ExecuteAnnotatedAsync(instance, commandName, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return new ExecuteCommandResult { Success = false, Canceled = true };
        }
        catch (DistributedApplicationException e)
        {
            return Failure(e.Message);
        }
    }

    private async Task<ExecuteCommandResult> ExecuteAnnotatedAsync(ResourceInstance instance, string commandName, CancellationToken cancellationToken)
    {
        var command = instance.Resource.Annotations.OfType<ResourceCommandAnnotation>().LastOrDefault(annotation => annotation.Name == commandName);
        if (command is null)
        {
            return Failure($"Command '{commandName}' not available for resource '{instance.Resource.Name}'.");
        }

        return await command.ExecuteCommand(new ExecuteCommandContext
        {
            Services = _services,
            ResourceName = instance.Id,
            CancellationToken = cancellationToken,
            Logger = _loggers.GetLogger(instance.DisplayName),
        });
    }

    private static ExecuteCommandResult Failure(string message) => new() { Success = false, Message = message };
}
