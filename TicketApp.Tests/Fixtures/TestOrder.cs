// One application at a time: each wants both cores, and the ports that one has chosen stay free until it has taken them.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
