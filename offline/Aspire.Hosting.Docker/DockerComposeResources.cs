using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Docker;

public class DockerComposeEnvironmentResource(string name) : Resource(name);

public class DockerComposeServiceResource(string name) : Resource(name);
