using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Azure;
using Azure.Provisioning.Primitives;

namespace Aspire.Hosting
{
    public static class AzurePostgresExtensions
    {
        public static IResourceBuilder<AzurePostgresFlexibleServerResource> AddAzurePostgresFlexibleServer(
            this IDistributedApplicationBuilder builder, string name) => builder.AddResource(new AzurePostgresFlexibleServerResource(name));

        public static IResourceBuilder<AzurePostgresFlexibleServerResource> WithPasswordAuthentication(
            this IResourceBuilder<AzurePostgresFlexibleServerResource> builder,
            IResourceBuilder<ParameterResource>? userName = null,
            IResourceBuilder<ParameterResource>? password = null) => builder;

        public static IResourceBuilder<AzurePostgresFlexibleServerDatabaseResource> AddDatabase(
            this IResourceBuilder<AzurePostgresFlexibleServerResource> builder, string name, string? databaseName = null) =>
            builder.ApplicationBuilder.AddResource(
                new AzurePostgresFlexibleServerDatabaseResource(name, databaseName ?? name, builder.Resource));
    }
}

namespace Aspire.Hosting.Azure
{
    public class AzurePostgresFlexibleServerResource(string name) : AzureProvisioningResource(name)
    {
        /// <summary>Azure alone knows it, and a stand-in does not ask.</summary>
        public ReferenceExpression HostName { get; } = ReferenceExpression.Empty;
    }

    public class AzurePostgresFlexibleServerDatabaseResource(
        string name, string databaseName, AzurePostgresFlexibleServerResource postgresParentResource)
        : Resource(name), IResourceWithParent<AzurePostgresFlexibleServerResource>, IResourceWithConnectionString
    {
        public AzurePostgresFlexibleServerResource Parent { get; } = postgresParentResource;

        public string DatabaseName { get; } = databaseName;

        /// <summary>Azure alone knows it, and a stand-in does not ask.</summary>
        public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Empty;
    }
}

namespace Azure.Provisioning.PostgreSql
{
    public sealed class PostgreSqlFlexibleServer : Provisionable
    {
        public BicepValue<string> AdministratorLogin { get; set; } = new("");
        public BicepValue<string> AdministratorLoginPassword { get; set; } = new("");
        public BicepValue<string> FullyQualifiedDomainName { get; } = new("");
        public PostgreSqlFlexibleServerSku Sku { get; set; } = new();
        public PostgreSqlFlexibleServerStorage Storage { get; set; } = new();
        public PostgreSqlFlexibleServerHighAvailability HighAvailability { get; set; } = new();
    }

    public sealed class PostgreSqlFlexibleServerStorage
    {
        public BicepValue<StorageAutoGrow> AutoGrow { get; set; } = new(StorageAutoGrow.Disabled);
    }

    public enum StorageAutoGrow
    {
        Enabled,
        Disabled,
    }

    public sealed class PostgreSqlFlexibleServerSku
    {
        public BicepValue<string> Name { get; set; } = new("");
        public BicepValue<PostgreSqlFlexibleServerSkuTier> Tier { get; set; } = new(PostgreSqlFlexibleServerSkuTier.Burstable);
    }

    public enum PostgreSqlFlexibleServerSkuTier
    {
        Burstable,
        GeneralPurpose,
        MemoryOptimized,
    }

    public sealed class PostgreSqlFlexibleServerHighAvailability
    {
        public BicepValue<PostgreSqlFlexibleServerHighAvailabilityMode> Mode { get; set; } =
            new(PostgreSqlFlexibleServerHighAvailabilityMode.Disabled);
    }

    public enum PostgreSqlFlexibleServerHighAvailabilityMode
    {
        Disabled,
        ZoneRedundant,
        SameZone,
    }
}

namespace Azure.Provisioning.KeyVault
{
    public sealed class KeyVaultSecret : Provisionable
    {
        public BicepValue<string> Name { get; set; } = new("");
        public SecretProperties Properties { get; set; } = new();
    }

    public sealed class SecretProperties { public BicepValue<string> Value { get; set; } = new(""); }
}
