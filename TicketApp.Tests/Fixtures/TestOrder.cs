using TicketApp.Tests.AppHost;
using TicketApp.Tests.Fixtures;
using Xunit.Sdk;
using Xunit.v3;

// Three applications at a time: most of their time is waiting for leases and starts. Four overload two cores, and tests of faults then
// measure the machine.
[assembly: CollectionBehavior(MaxParallelThreads = 3)]
[assembly: TestCollectionOrderer(typeof(TestOrder))]

namespace TicketApp.Tests.Fixtures;

/// <summary>The collections that take longest first, so that the short ones fill up the end.</summary>
public sealed class TestOrder : ITestCollectionOrderer
{
    private static readonly string[] _first =
        [
            AppCollection.Name, FaultCollection.Name, AspireCollection.Name, DatabaseCollection.Name, PageCollection.Name,
            KeyedCollection.Name, SlowAppCollection.Name,
        ];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [
            .. testCollections.OrderBy(collection =>
                Array.IndexOf(_first, collection.TestCollectionDisplayName) is >= 0 and var place ? place : _first.Length),
        ];
}
