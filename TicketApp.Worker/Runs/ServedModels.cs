using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using TicketApp.Messaging;
using TicketApp.Worker.Models;

namespace TicketApp.Worker.Runs;

/// <summary>The models that this worker serves: all that are registered, or those of <c>Worker:Models</c>. Gets them ready.</summary>
internal sealed partial class ServedModels : BackgroundService
{
    private const int MaxThreadsAtOnce = 512;
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(5);

    private readonly ILogger<ServedModels> _logger;

    public ServedModels(IEnumerable<IModel> models, IOptions<WorkerOptions> options, ILogger<ServedModels> logger)
    {
        _logger = logger;
        var registered = models.ToDictionary(model => model.Name);
        var wanted = options.Value.Models is { Count: > 0 } chosen ? chosen : [.. registered.Keys];
        var names = string.Join(", ", registered.Keys.Order(StringComparer.Ordinal));
        All = [.. wanted.Distinct().Select(name => registered.TryGetValue(name, out var model) && Name().IsMatch(name)
            ? new ServedModel(model, options.Value.SlotsOf(model))
            : throw new OptionsValidationException(
                WorkerOptions.SectionName,
                typeof(WorkerOptions),
                [$"Worker:Models: '{name}' is no model of this worker. It has: {names}."]))];
        // The pool adds threads at once up to this number and one or two a second above it. With a thread for each slot, models that
        // block theirs leave some for heartbeats, and a busy worker does not look like a dead one.
        var threads = Math.Min(All.Sum(served => served.Slots), MaxThreadsAtOnce) + (2 * Environment.ProcessorCount);
        ThreadPool.SetMinThreads(threads, Environment.ProcessorCount);
    }

    public IReadOnlyList<ServedModel> All { get; }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(All.Select(model => Task.Run(() => WarmUpAsync(model, stoppingToken), stoppingToken)));

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,49}$")]
    private static partial Regex Name();

    private async Task WarmUpAsync(ServedModel served, CancellationToken stoppingToken)
    {
        while (!served.Warm.IsCompleted)
        {
            try
            {
                await served.Model.WarmUpAsync(stoppingToken);
                served.IsWarm();
                Log.Warm(_logger, served.Model.Name, served.Slots);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Log.NotWarm(_logger, exception, served.Model.Name, _pause.TotalSeconds);
                await Task.Delay(_pause, stoppingToken);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "The model {Model} is ready, with {Slots} runs at once")]
        public static partial void Warm(ILogger logger, string model, int slots);

        [LoggerMessage(EventId = 2, Level = LogLevel.Error,
            Message = "The model {Model} did not get ready; trying again in {Seconds:F0} s")]
        public static partial void NotWarm(ILogger logger, Exception exception, string model, double seconds);
    }
}

/// <summary>A model that this worker serves.</summary>
internal sealed class ServedModel(IModel model, int slots)
{
    private readonly TaskCompletionSource _warm = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IModel Model { get; } = model;

    /// <summary>How many runs at once; a batch is one.</summary>
    public int Slots { get; } = slots;

    /// <summary>How many tickets at once.</summary>
    public int Tickets => Slots * LargestBatchOf(Model);

    /// <summary>Ends once it can run.</summary>
    public Task Warm => _warm.Task;

    /// <summary>What heartbeats say of it now, once it is warm.</summary>
    public ModelOffer CurrentOffer => Offer! with { IsUnavailable = Model.IsUnavailable };

    /// <summary>What they say of it as long as it is available.</summary>
    public ModelOffer? Offer { get; private set; }

    public void IsWarm()
    {
        var input = Model.Input;
        Offer = new()
        {
            Name = Model.Name,
            Description = Model.Description,
            InputRequired = input.IsRequired,
            MaxInputCharacters = input.MaxCharacters,
            LargestBatch = LargestBatchOf(Model),
            Kind = Model.Kind,
            InputSchemaId = input.Schema?.Id,
            InputSchema = input.Schema is { } schema ? new(schema.Json, IsJson: true) : null,
            Slots = Tickets,
        };
        _warm.TrySetResult();
    }

    private static int LargestBatchOf(IModel model) => (model as IBatchModel)?.LargestBatch ?? 1;
}
