using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Runs;

namespace TicketApp.Tests.Runs.Unit;

public sealed class HeartbeatScheduleTests
{
    [Fact]
    public void Schemas_are_in_the_first_heartbeat_of_a_connection_in_that_of_a_new_model_and_in_one_a_minute()
    {
        ManualClock clock = new();
        HeartbeatSchedule schedule = new(clock);
        // Seconds after the step before, models that are ready, and whether a heartbeat follows with the schemas.
        (double Seconds, int Ready, bool? WithSchemas)[] steps =
        [
            (0, 1, true), (9.9, 1, null), (0.1, 1, false), (0.25, 2, true), (0.25, 2, null), (9.75, 2, false),
            (10, 2, false), (10, 2, false), (10, 2, false), (10, 2, false), (10, 2, true), (10, 2, false),
            (0.25, 1, null), (9.75, 1, false),
        ];

        foreach (var (seconds, ready, withSchemas) in steps)
        {
            clock.Advance(TimeSpan.FromSeconds(seconds));
            Assert.Equal(withSchemas, schedule.Next(Ready(ready)));
        }

        schedule.Restart();
        Assert.True(schedule.Next(Ready(1)));
    }

    [Fact]
    public void A_model_that_becomes_unavailable_and_available_is_told_of_once_a_second_at_most()
    {
        ManualClock clock = new();
        HeartbeatSchedule schedule = new(clock);
        Assert.True(schedule.Next(Ready(1)));
        // Seconds after the step before, whether it is unavailable, and whether a heartbeat follows.
        (double Seconds, bool IsUnavailable, bool Follows)[] steps =
        [
            (0.5, true, false), (0.5, true, true), (0.5, false, false), (0.25, true, false), (0.25, false, true),
            (5, false, false), (5, false, true),
        ];

        foreach (var (seconds, isUnavailable, follows) in steps)
        {
            clock.Advance(TimeSpan.FromSeconds(seconds));
            Assert.Equal(follows, schedule.Next([.. Ready(1).Select(offer => offer with { IsUnavailable = isUnavailable })]) is not null);
        }
    }

    private static ModelOffer[] Ready(int models) =>
        [.. Enumerable.Range(0, models).Select(i => new ModelOffer { Name = $"m{i}", Description = "d", Slots = 1 })];
}
