using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Accounts;

/// <summary>What the accounts at the broker may not do. What they have to, all other tests do with them.</summary>
[Collection(AppCollection.Name)]
public sealed class BrokerAccountTests(AppFixture app)
{
    private const ushort AccessRefused = 403;

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    /// <summary>Nobody but the broker's administrator does these.</summary>
    private static readonly Dictionary<string, Func<IChannel, Task>> _forbidden = new()
    {
        ["make a queue of any name"] = channel => DeclareAsync(channel, "mine"),
        ["make an exchange of any name"] = channel => channel.ExchangeDeclareAsync("mine", ExchangeType.Fanout, cancellationToken: Cancel),
        ["remove an exchange of the broker"] = channel => channel.ExchangeDeleteAsync("amq.fanout", cancellationToken: Cancel),
        ["publish to an exchange of the broker"] = channel => PublishAsync(channel, "amq.fanout", ""),
        ["publish to the broker's log"] = channel => PublishAsync(channel, "amq.rabbitmq.log", ""),
    };

    private static readonly Dictionary<string, Func<IChannel, Task>> _forbiddenToApi = new(_forbidden)
    {
        ["take a ticket from a worker"] = channel => channel.BasicGetAsync(QueueNames.Tickets, autoAck: false, Cancel),
        ["take the tickets of a model"] = channel => ConsumeAsync(channel, "tickets.sentiment"),
        ["hear what workers are told"] = channel =>
            channel.QueueBindAsync(QueueNames.Errors, QueueNames.Control, "", cancellationToken: Cancel),
        ["make a queue as workers have"] = channel => OwnQueueAsync(channel),
    };

    private static readonly Dictionary<string, Func<IChannel, Task>> _forbiddenToWorker = new(_forbidden)
    {
        ["read reports"] = channel => channel.BasicGetAsync(QueueNames.Responses, autoAck: false, Cancel),
        ["consume reports"] = channel => ConsumeAsync(channel, QueueNames.Responses),
        ["read errors"] = channel => channel.BasicGetAsync(QueueNames.Errors, autoAck: false, Cancel),
        ["consume errors"] = channel => ConsumeAsync(channel, QueueNames.Errors),
        ["empty errors"] = channel => channel.QueuePurgeAsync(QueueNames.Errors, Cancel),
        ["empty responses"] = channel => channel.QueuePurgeAsync(QueueNames.Responses, Cancel),
        ["declare the queue of a model"] = channel => DeclareAsync(channel, "tickets.mine"),
        ["declare responses"] = channel => DeclareAsync(channel, QueueNames.Responses),
        ["declare errors"] = channel => DeclareAsync(channel, QueueNames.Errors),
        ["remove tickets"] = channel => channel.QueueDeleteAsync(QueueNames.Tickets, cancellationToken: Cancel),
        ["remove responses"] = channel => channel.QueueDeleteAsync(QueueNames.Responses, cancellationToken: Cancel),
        ["remove errors"] = channel => channel.QueueDeleteAsync(QueueNames.Errors, cancellationToken: Cancel),
        ["declare control"] = channel => channel.ExchangeDeclareAsync(
            QueueNames.Control, ExchangeType.Fanout, durable: true, cancellationToken: Cancel),
        ["remove control"] = channel => channel.ExchangeDeleteAsync(QueueNames.Control, cancellationToken: Cancel),
        ["remove reports"] = channel => channel.ExchangeDeleteAsync(QueueNames.Reports, cancellationToken: Cancel),
        ["make up a ticket"] = channel => PublishAsync(channel, "", QueueNames.Tickets),
        ["make up a ticket of a model"] = channel => PublishAsync(channel, "", "tickets.sentiment"),
        ["publish to errors around its exchange"] = channel => PublishAsync(channel, "", QueueNames.Errors),
        ["tell workers to stop runs"] = channel => PublishAsync(channel, QueueNames.Control, ""),
        ["lead its reports into tickets"] = channel =>
            channel.QueueBindAsync(QueueNames.Tickets, QueueNames.Reports, QueueNames.Tickets, cancellationToken: Cancel),
        ["lead what workers are told into errors"] = channel =>
            channel.QueueBindAsync(QueueNames.Errors, QueueNames.Control, "", cancellationToken: Cancel),
        ["cut reports off"] = channel =>
            channel.QueueUnbindAsync(QueueNames.Responses, QueueNames.Reports, QueueNames.Responses, cancellationToken: Cancel),
        ["hear the reports of others"] = async channel =>
            await channel.QueueBindAsync(await OwnQueueAsync(channel), QueueNames.Reports, QueueNames.Responses, cancellationToken: Cancel),
        ["hear an exchange of the broker"] = async channel =>
            await channel.QueueBindAsync(await OwnQueueAsync(channel), "amq.topic", "#", cancellationToken: Cancel),
        ["lead reports elsewhere"] = channel =>
            channel.ExchangeBindAsync("amq.fanout", QueueNames.Reports, QueueNames.Responses, cancellationToken: Cancel),
        ["declare news"] = channel => channel.ExchangeDeclareAsync(
            QueueNames.News, ExchangeType.Fanout, durable: true, cancellationToken: Cancel),
        ["remove news"] = channel => channel.ExchangeDeleteAsync(QueueNames.News, cancellationToken: Cancel),
        ["make up news"] = channel => PublishAsync(channel, QueueNames.News, ""),
        ["make up news around their exchange"] = channel => PublishAsync(channel, "", QueueNames.NewsOf(Guid.Empty)),
        ["make up news as a dead letter of its own queue"] = channel => OwnQueueAsync(channel, new()
        {
            ["x-dead-letter-exchange"] = QueueNames.News,
        }),
        ["hear news"] = async channel =>
            await channel.QueueBindAsync(await OwnQueueAsync(channel), QueueNames.News, "", cancellationToken: Cancel),
        ["make a queue as the Api has for news"] = channel => channel.QueueDeclareAsync(
            QueueNames.NewsOf(Guid.NewGuid()), durable: false, exclusive: true, autoDelete: true, cancellationToken: Cancel),
        ["read a queue of news"] = channel => ConsumeAsync(channel, QueueNames.NewsOf(Guid.Empty)),
        ["lead its reports into news"] = channel =>
            channel.ExchangeBindAsync(QueueNames.News, QueueNames.Reports, QueueNames.Responses, cancellationToken: Cancel),
        ["make up a ticket as a dead letter of its own queue"] = channel => OwnQueueAsync(channel, new()
        {
            ["x-dead-letter-exchange"] = "",
            ["x-dead-letter-routing-key"] = QueueNames.Tickets,
        }),
        ["tell workers something as a dead letter of its own queue"] = channel => OwnQueueAsync(channel, new()
        {
            ["x-dead-letter-exchange"] = QueueNames.Control,
        }),
    };

    public static TheoryData<string> ForbiddenToApi => [.. _forbiddenToApi.Keys];

    public static TheoryData<string> ForbiddenToWorker => [.. _forbiddenToWorker.Keys];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(ForbiddenToWorker))]
    public Task A_worker_cannot(string deed) => AssertRefusedAsync(app.WorkerBroker, _forbiddenToWorker[deed]);

    [Theory]
    [MemberData(nameof(ForbiddenToApi))]
    public Task The_api_cannot(string deed) => AssertRefusedAsync(app.ApiBroker, _forbiddenToApi[deed]);

    [Fact]
    public async Task A_worker_can_report_and_tell_of_an_error_and_hear_what_it_is_told()
    {
        await using var connection = await ConnectAsync(app.WorkerBroker);
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true), Cancel);

        await channel.QueueBindAsync(await OwnQueueAsync(channel), QueueNames.Control, "", cancellationToken: Cancel);
        await PublishAsync(channel, QueueNames.Reports, QueueNames.Responses, """{"type":"heartbeat","worker":"of a test"}""");
        var error = $$"""{"message":"{{Guid.NewGuid()}}"}""";
        await PublishAsync(channel, QueueNames.Reports, QueueNames.Errors, error);
        // Nothing else is behind the exchange.
        var unroutable = await Assert.ThrowsAsync<PublishReturnException>(() =>
            PublishAsync(channel, QueueNames.Reports, QueueNames.Tickets));
        Assert.True(unroutable.IsReturn);

        await Eventually.IsTrueAsync("The error", _limit, () => app.Errors.All.Contains(error));
    }

    [Theory]
    [InlineData("guest", "guest")]
    [InlineData("worker", "guest")]
    public async Task Nobody_else_gets_in(string user, string password)
    {
        ConnectionFactory factory = new() { Uri = app.Broker, UserName = user, Password = password };

        var error = await Assert.ThrowsAsync<BrokerUnreachableException>(() => factory.CreateConnectionAsync(Cancel));

        Assert.IsType<AuthenticationFailureException>(error.InnerException);
    }

    [Fact]
    public void No_account_is_an_administrator_and_there_are_two()
    {
        var users = Accounts()["users"]!.AsArray();

        Assert.Equal(["@USERNAME@", "worker"], users.Select(user => (string?)user!["name"]));
        Assert.All(users, user => Assert.Empty(user!["tags"]!.AsArray()));
    }

    [Fact]
    public async Task Reports_that_a_worker_makes_up_move_no_ticket_that_was_not_dispatched_under_their_epoch()
    {
        HeldModel model = new();
        await using var worker = await TestWorker.StartAsync(app, model);
        var user = await app.CreateUserAsync();
        var running = Guid.Parse(await app.CreateTicketAsync(user, model.Name, "held"));
        var run = await model.StartedAsync();
        await using var database = NpgsqlDataSource.Create(app.Database);
        await using var insert = database.CreateCommand(
            $"""
            insert into tickets (ticket_id, user_id, status, attempt, epoch, queue_key, expires_at, due_at)
            values (gen_random_uuid(), '{user}', 'retryable', 1, 1, 0, now() + interval '1 hour', now() + interval '1 hour')
            returning ticket_id
            """);
        var waiting = (Guid)(await insert.ExecuteScalarAsync(Cancel))!;
        await using var epochs = database.CreateCommand($"select epoch from tickets where ticket_id = '{running}'");
        var epoch = (int)(await epochs.ExecuteScalarAsync(Cancel))!;

        var mark = Guid.NewGuid().ToString();
        WorkerReport forged = new() { Worker = "a thief", Response = "forged" };
        WorkerReport[] reports =
        [
            forged with { TicketId = running, Epoch = epoch + 1 },
            forged with { TicketId = running, Epoch = epoch - 1 },
            forged with { TicketId = waiting, Epoch = 1 },
            forged with { TicketId = waiting, Epoch = 2 },
            forged with { TicketId = waiting, Epoch = 1, Type = ReportType.Failed, ErrorType = "forged", IsFinal = true },
            forged with { TicketId = running, Epoch = epoch + 1, Type = ReportType.Returned },
        ];
        await using (var connection = await ConnectAsync(app.WorkerBroker))
        {
            await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true), Cancel);
            foreach (var report in reports)
            {
                await PublishAsync(channel, QueueNames.Reports, QueueNames.Responses, Text(report));
            }

            // In order: once this is in errors, the others are applied.
            await PublishAsync(channel, QueueNames.Reports, QueueNames.Responses, $"[{mark}");
        }

        await Eventually.IsTrueAsync("The last", _limit, () => app.Errors.All.Any(error => error.Contains(mark, StringComparison.Ordinal)));
        await using var states = database.CreateCommand(
            $"""
            select string_agg(
                case status when 'dispatched' then 'running' else status::text end || ' under ' || epoch, ', ' order by status)
            from tickets where ticket_id in ('{waiting}', '{running}')
            """);
        string[] unmoved = [$"running under {epoch}, retryable under 1", $"retryable under 1, running under {epoch}"];
        Assert.Contains((string)(await states.ExecuteScalarAsync(Cancel))!, unmoved);
        run.End();
        Assert.Equal("held", await app.FinishAsync(running.ToString()));
        await using var delete = database.CreateCommand($"delete from tickets where ticket_id = '{waiting}'");
        await delete.ExecuteNonQueryAsync(Cancel);

        static string Text(WorkerReport report) =>
            Encoding.UTF8.GetString(ContractJson.Serialize(report, ContractJson.Default.WorkerReport));
    }

    /// <summary>What accounts the broker has, with their rights and bounds.</summary>
    internal static JsonNode Accounts() => JsonNode.Parse(File.ReadAllText(AppProcesses.AccountsOf(AppProcesses.ScriptOf("rabbitmq"))))!;

    private static async Task AssertRefusedAsync(Uri account, Func<IChannel, Task> deed)
    {
        await using var connection = await ConnectAsync(account);
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true), Cancel);

        await Assert.ThrowsAnyAsync<Exception>(() => deed(channel));

        await Eventually.IsTrueAsync("The channel is closed", _limit, () => !channel.IsOpen);
        Assert.Equal(AccessRefused, channel.CloseReason?.ReplyCode);
    }

    internal static Task<IConnection> ConnectAsync(Uri account) =>
        new ConnectionFactory { Uri = account, AutomaticRecoveryEnabled = false }.CreateConnectionAsync(Cancel);

    private static Task<QueueDeclareOk> DeclareAsync(IChannel channel, string queue) => channel.QueueDeclareAsync(
        queue,
        durable: true,
        exclusive: false,
        autoDelete: false,
        new Dictionary<string, object?> { ["x-queue-type"] = "quorum" },
        cancellationToken: Cancel);

    private static async Task<string> OwnQueueAsync(IChannel channel, Dictionary<string, object?>? arguments = null)
    {
        var queue = await channel.QueueDeclareAsync(
            "", durable: false, exclusive: true, autoDelete: true, arguments, cancellationToken: Cancel);
        return queue.QueueName;
    }

    private static Task<string> ConsumeAsync(IChannel channel, string queue) =>
        channel.BasicConsumeAsync(queue, autoAck: false, new RabbitMQ.Client.Events.AsyncEventingBasicConsumer(channel), Cancel);

    private static async Task PublishAsync(IChannel channel, string exchange, string routingKey, string body = "[]") =>
        await channel.BasicPublishAsync(exchange, routingKey, mandatory: true, Encoding.UTF8.GetBytes(body), Cancel);
}
