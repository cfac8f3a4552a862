using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Azure;

namespace Aspire.Hosting
{
    public static class AzurePostgresExtensions
    {
        public static IResourceBuilder<AzurePostgresFlexibleServerResource> AddAzurePostgresFlexibleServer(this IDistributedApplicationBuilder builder, string name) =>
            builder.AddResource(new AzurePostgresFlexibleServerResource(name));

        public static IResourceBuilder<AzurePostgresFlexibleServerResource> WithPasswordAuthentication(
            this IResourceBuilder<AzurePostgresFlexibleServerResource> builder,
            IResourceBuilder<ParameterResource>? userName = null,
            IResourceBuilder<ParameterResource>? password = null) => builder;

        public static IResourceBuilder<AzurePostgresFlexibleServerDatabaseResource> AddDatabase(
            this IResourceBuilder<AzurePostgresFlexibleServerResource> builder,
            string name,
            string? databaseName = null) =>
            builder.ApplicationBuilder.AddResource(new AzurePostgresFlexibleServerDatabaseResource(name, databaseName ?? name, builder.Resource));
    }
}

namespace Aspire.Hosting.Azure
{
    public class AzurePostgresFlexibleServerResource(string name) : AzureProvisioningResource(name);

    public class AzurePostgresFlexibleServerDatabaseResource(string name, string databaseName, AzurePostgresFlexibleServerResource postgresParentResource)
        : Resource(name), IResourceWithParent<AzurePostgresFlexibleServerResource>, IResourceWithConnectionString
    {
        public AzurePostgresFlexibleServerResource Parent { get; } = postgresParentResource;

        public string DatabaseName { get; } = databaseName;

        /// <summary>Known to Azure alone, which a stand-in never asks.</summary>
        public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Empty;
    }
}
