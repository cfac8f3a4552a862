using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Api.Waiting;
using TicketApp.ServiceDefaults;

namespace TicketApp.Tests.Auth.Unit;

/// <summary>What all users share on a replica is never one user's alone.</summary>
public sealed class UserShareTests
{
    private static readonly IOptions<LimitOptions> _limits = Options.Create(
        new LimitOptions { MaxUserShare = 0.25, MaxBytesInFlight = 1000, RequestsPerSecond = 10 });

    private readonly Guid _user = Guid.CreateVersion7();
    private readonly Guid _other = Guid.CreateVersion7();

    [Fact]
    public void A_user_has_a_quarter_of_the_bytes_and_one_request_alone_what_it_asks_for()
    {
        ByteLimit limit = new(_limits);
        using ByteLimit.TakenBytes first = new(limit, _user);
        using ByteLimit.TakenBytes second = new(limit, _user);
        using ByteLimit.TakenBytes others = new(limit, _other);
        using ByteLimit.TakenBytes nobodys = new(limit);

        first.Add(200);
        Assert.Throws<OverloadedException>(() => second.Add(51));
        second.Add(50);
        Assert.Throws<OverloadedException>(() => first.Add(1));
        others.Add(200);
        second.Dispose();
        first.Reduce(50);
        second.Add(200);
        second.Dispose();
        first.Dispose();
        first.Add(700);
        Assert.Throws<OverloadedException>(() => nobodys.Add(101));
        nobodys.Add(100);
    }

    [Fact]
    public void A_part_of_an_answer_is_left_out_where_the_whole_would_be_too_large()
    {
        ByteLimit limit = new(_limits);
        using ByteLimit.TakenBytes batch = new(limit, _user);
        batch.Add(900);

        batch.AddPart(100);

        Assert.Throws<OverloadedException>(() => batch.AddPart(1));
        batch.Add(1);
    }

    [Fact]
    public async Task Parts_that_come_together_are_all_counted()
    {
        ByteLimit limit = new(Options.Create(new LimitOptions { MaxBytesInFlight = 1_000_000 }));
        using ByteLimit.TakenBytes batch = new(limit);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                batch.AddPart(1);
            }
        })));

        Assert.Equal(40_000, batch.Count);
    }

    [Fact]
    public void A_users_tickets_have_a_quarter_of_the_waiters_and_get_free_places_back()
    {
        using SucceededTickets succeeded = new();
        LoopProgress progress = new(TimeProvider.System);
        using DatabaseMigrator migrator = new(null!, progress, NullLogger<DatabaseMigrator>.Instance);
        using TicketPoller poller = new(
            null!, succeeded, new NewsSources(TimeProvider.System), null!, new Lifetime(),
            Options.Create(new WaitingOptions { MaxWaiters = 8 }), _limits, migrator, progress,
            NullLogger<TicketPoller>.Instance);
        using var first = poller.Subscribe(Ticket(_user));
        var second = poller.Subscribe(Ticket(_user));

        Assert.Throws<OverloadedException>(() => poller.Subscribe(Ticket(_user)));
        using var others = poller.Subscribe(Ticket(_other));
        second.Dispose();
        poller.Subscribe(Ticket(_user)).Dispose();
    }

    [Fact]
    public void An_address_whose_requests_are_used_up_has_no_unknown_key_looked_up()
    {
        using RequestLimit limit = new(_limits);
        var guesser = At("203.0.113.7");
        Assert.True(limit.MayLookUpKey(guesser));
        for (var i = 0; i < _limits.Value.RequestsPerSecond; i++)
        {
            limit.Limiter.AttemptAcquire(guesser).Dispose();
        }

        Assert.False(limit.MayLookUpKey(guesser));
        Assert.True(RequestLimit.HasRefused(guesser));
        Assert.True(limit.MayLookUpKey(At("203.0.113.8")));

        static DefaultHttpContext At(string address) => new() { Connection = { RemoteIpAddress = System.Net.IPAddress.Parse(address) } };
    }

    [Fact]
    public void Where_nothing_is_limited_every_key_is_looked_up()
    {
        using RequestLimit limit = new(Options.Create(new LimitOptions()));

        Assert.True(limit.MayLookUpKey(new DefaultHttpContext()));
    }

    private static TicketRecord Ticket(Guid user) => new()
    {
        TicketId = Guid.CreateVersion7(),
        UserId = user,
        Status = TicketStatus.Queued,
        Model = "simulated",
        Priority = TicketPriority.Normal,
        MaxAttempts = 3,
        Created = DateTime.UnixEpoch,
        Expires = DateTime.MaxValue,
    };

    private sealed class Lifetime : IHostApplicationLifetime
    {
        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => CancellationToken.None;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication()
        {
        }
    }
}
