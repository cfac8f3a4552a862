using Azure.Provisioning.Primitives;

namespace Azure.Provisioning.PostgreSql;

public sealed class PostgreSqlFlexibleServer : Provisionable
{
    public PostgreSqlFlexibleServerSku Sku { get; set; } = new();

    public PostgreSqlFlexibleServerHighAvailability HighAvailability { get; set; } = new();
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
    public BicepValue<PostgreSqlFlexibleServerHighAvailabilityMode> Mode { get; set; } = new(PostgreSqlFlexibleServerHighAvailabilityMode.Disabled);
}

public enum PostgreSqlFlexibleServerHighAvailabilityMode
{
    Disabled,
    ZoneRedundant,
    SameZone,
}
