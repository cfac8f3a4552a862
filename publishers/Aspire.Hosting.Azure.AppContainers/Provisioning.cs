using System.Globalization;
using Azure.Provisioning.Primitives;

namespace Azure.Provisioning
{
    public class BicepValue<T>(T? value)
    {
        public T? Value { get; } = value;

        public static implicit operator BicepValue<T>(T value) => new(value);
    }

    public class BicepList<T> : List<BicepValue<T>>
    {
        public void Add(T item) => Add(new BicepValue<T>(item));
    }

    public class BicepDictionary<T> : Dictionary<string, BicepValue<T>>;

    public class Infrastructure
    {
        /// <summary>Always empty: a stand-in provisions nothing, and calls no callback that asks.</summary>
        public virtual IEnumerable<Provisionable> GetProvisionableResources() => [];

        public virtual void Remove(Provisionable resource) =>
            throw new NotSupportedException("A stand-in has nothing that could be removed.");
    }

    public sealed class ProvisioningParameter(string bicepIdentifier)
    {
        public string BicepIdentifier { get; } = bicepIdentifier;

        public override string ToString() => BicepIdentifier;
    }
}

namespace Azure.Provisioning.Primitives
{
    public abstract class Provisionable;
}

namespace Azure.Provisioning.Expressions
{
    public static class BicepFunction
    {
        public static BicepValue<string> Interpolate(FormattableString text) => new(text.ToString(CultureInfo.InvariantCulture));
    }
}

namespace Azure.Provisioning.AppContainers
{
    public sealed class ContainerApp : Provisionable
    {
        public ContainerAppConfiguration Configuration { get; set; } = new();
        public ContainerAppTemplate Template { get; set; } = new();
    }

    public sealed class ContainerAppConfiguration { public ContainerAppIngressConfiguration Ingress { get; set; } = new(); }

    public sealed class ContainerAppIngressConfiguration { public BicepList<ContainerAppCustomDomain> CustomDomains { get; set; } = []; }

    public sealed class ContainerAppCustomDomain
    {
        public BicepValue<string> Name { get; set; } = new("");
        public BicepValue<string> CertificateId { get; set; } = new("");
    }

    public sealed class ContainerAppTemplate
    {
        public BicepValue<long> TerminationGracePeriodSeconds { get; set; } = new(30);
        public BicepList<ContainerAppContainer> Containers { get; set; } = [];
        public ContainerAppScale Scale { get; set; } = new();
        public BicepList<ContainerAppVolume> Volumes { get; set; } = [];
    }

    public sealed class ContainerAppContainer { public AppContainerResources Resources { get; set; } = new(); }

    public sealed class AppContainerResources
    {
        public BicepValue<double> Cpu { get; set; } = new(0.25);
        public BicepValue<string> Memory { get; set; } = new("0.5Gi");
    }

    public sealed class ContainerAppVolume { public BicepValue<string> MountOptions { get; set; } = new(""); }

    public sealed class ContainerAppScale
    {
        public BicepValue<int> MinReplicas { get; set; } = new(0);
        public BicepValue<int> MaxReplicas { get; set; } = new(10);
        public BicepValue<int> PollingInterval { get; set; } = new(30);
        public BicepValue<int> CooldownPeriod { get; set; } = new(300);
        public BicepList<ContainerAppScaleRule> Rules { get; set; } = [];
    }

    public sealed class ContainerAppScaleRule
    {
        public BicepValue<string> Name { get; set; } = new("");
        public ContainerAppHttpScaleRule? Http { get; set; }
        public ContainerAppCustomScaleRule? Custom { get; set; }
    }

    public sealed class ContainerAppHttpScaleRule { public BicepDictionary<string> Metadata { get; set; } = []; }

    public sealed class ContainerAppCustomScaleRule
    {
        public BicepValue<string> CustomScaleRuleType { get; set; } = new("");
        public BicepDictionary<string> Metadata { get; set; } = [];
    }
}
