using TicketApp.Bench;

return await BenchCommandLine.Create().Parse(args).InvokeAsync(new() { ProcessTerminationTimeout = TimeSpan.FromMinutes(2) });
