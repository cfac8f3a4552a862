using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;
using static TicketApp.Tests.Fixtures.ScratchTicket;

namespace TicketApp.Tests.Completion;

/// <summary>What is stored of the progress that workers report.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class ReportedProgressTests(DatabaseServer server)
{
    [Fact]
    public async Task Progress_without_text_is_stored_only_as_it_was_last_and_text_always()
    {
        await using var ticket = await CreateAsync(server);
        var progress = Report(await ticket.StartAsync(), ReportType.Progress);

        await ticket.ApplyAsync(
            progress with { Sequence = 1, Fraction = 0.1 }, progress with { Sequence = 2, Text = "a" },
            progress with { Sequence = 4, Fraction = 0.4 }, progress with { Sequence = 3, Fraction = 0.3 });

        Assert.Equal("2 a,4 0.4", await ticket.Database.ValueAsync<string>(
            "select string_agg(concat_ws(' ', seq, fraction, text), ',' order by seq) from ticket_progress"));
    }

    /// <summary>The longest answer, of characters of three bytes, in parts of each length, and delivered twice.</summary>
    [Theory]
    [InlineData(1, 1_000_000)]
    [InlineData(4, 250_000)]
    [InlineData(1000, 1000)]
    [InlineData(10_000, 100)]
    [InlineData(20_000, 50)]
    public async Task All_progress_that_a_worker_may_report_of_a_run_is_stored(int reports, int characters)
    {
        await using var ticket = await CreateAsync(server);
        var progress = Report(await ticket.StartAsync(), ReportType.Progress) with { Text = new('\u3042', characters) };

        foreach (var batch in Enumerable.Range(1, reports).Chunk(1000))
        {
            WorkerReport[] texts = [.. batch.Select(i => progress with { Sequence = i })];
            await ticket.ApplyAsync(texts[..(texts.Length / 2)]);
            await ticket.ApplyAsync(texts);
        }

        Assert.Equal($"{reports} {reports * characters}", await ticket.Database.ValueAsync<string>(
            "select concat_ws(' ', count(*), sum(length(text))) from ticket_progress"));
    }

    /// <summary>In any order, one after the other or together.</summary>
    [Theory]
    [InlineData(30_000, 1, 1000)]
    [InlineData(30_000, 70, 1000)]
    [InlineData(20, 1_000_000, 1)]
    [InlineData(20, 1_000_000, 4)]
    [InlineData(3000, 10_000, 300)]
    public async Task Progress_beyond_what_a_worker_may_report_is_not_stored_and_nobody_else_loses_any(
        int reports, int characters, int together)
    {
        await using var ticket = await CreateAsync(server);
        var progress = Report(await ticket.StartAsync(), ReportType.Progress) with { Text = new('\u3042', characters) };
        var other = Guid.CreateVersion7();
        await ticket.Database.ExecuteAsync(
            $"""
            insert into tickets (ticket_id, user_id, status, attempt, epoch, lease_expires, expires_at, due_at)
            select '{other}', user_id, 'running', 1, 1, lease_expires, expires_at, due_at from tickets
            """);
        // No text counts too.
        await ticket.ApplyAsync(progress with { Sequence = int.MaxValue, Text = null, Fraction = 1 });

        var batches = 0;
        foreach (var batch in Enumerable.Range(1, reports).Reverse().Chunk(together))
        {
            await ticket.ApplyAsync([
                progress with { TicketId = other, Epoch = 1, Sequence = ++batches, Text = "other" },
                .. batch.Select(i => progress with { Sequence = i })]);
        }

        Assert.InRange(await ticket.Database.ValueAsync<long>(
            $"select count(*) from ticket_progress where ticket_id <> '{other}'"), 1, 20_000);
        Assert.InRange(await ticket.Database.ValueAsync<long>(
            $"select sum(octet_length(text)) from ticket_progress where ticket_id <> '{other}'"), 1, 10_000_000);
        Assert.Equal(batches, await ticket.Database.ValueAsync<long>(
            $"select count(*) from ticket_progress where ticket_id = '{other}'"));
    }
}
