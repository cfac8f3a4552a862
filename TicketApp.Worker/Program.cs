using TicketApp.Worker;

await WorkerProcess.RunAsync(args);
