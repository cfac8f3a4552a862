using TicketApp.SentimentTrainer;

return await TrainerCommandLine.Create().Parse(args).InvokeAsync();
