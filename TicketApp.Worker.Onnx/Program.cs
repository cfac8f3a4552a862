using TicketApp.Worker;
using TicketApp.Worker.Onnx;

await WorkerProcess.RunAsync(args, OnnxModel.Kind);
