using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;

namespace Aspire.Hosting.Running;

/// <summary>What every instance needs from the application.</summary>
internal sealed record InstanceServices(
    ResourceNotificationService Notifications,
    ResourceLoggerService Loggers,
    ResourceHealth Health,
    ProjectEnvironment ProjectEnvironment,
    DistributedApplicationExecutionContext ExecutionContext,
    DataDirectories Data,
    AppHostMetadata AppHost);
