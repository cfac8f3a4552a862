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
        /// <summary>None: a stand-in provisions nothing, so no callback that asks is ever called.</summary>
        public virtual IEnumerable<Primitives.Provisionable> GetProvisionableResources() => [];
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
        public static BicepValue<string> Interpolate(FormattableString text) => new(text.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }
}
