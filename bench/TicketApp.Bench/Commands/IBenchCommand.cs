namespace TicketApp.Bench.Commands;

/// <summary>One command of the program.</summary>
internal interface IBenchCommand
{
    string Name { get; }

    /// <summary>One line, for the help.</summary>
    string Description { get; }

    /// <summary>Whether the server is to keep statistics of its statements.</summary>
    bool CountsStatements => false;

    /// <summary>Measures, and puts what it finds into the session's sheet.</summary>
    Task RunAsync(BenchSession session, CancellationToken cancellationToken);
}
