using Microsoft.EntityFrameworkCore;
using Wolverine.EntityFrameworkCore;

namespace WolverineBaseline;

/// <summary>The original's two tables, and the outbox: a ticket and its message are inserted in one batch.</summary>
public sealed class TicketsContext(DbContextOptions<TicketsContext> options) : DbContext(options)
{
    /// <summary>Compiled once: the query that callers ask most.</summary>
    public static readonly Func<TicketsContext, Guid, Task<TicketState?>> FindStateAsync = EF.CompileAsyncQuery(
        (TicketsContext context, Guid id) => context.Tickets
            .Where(ticket => ticket.TicketId == id)
            .Select(ticket => new TicketState(ticket.TimeCreated, ticket.TimeFinished, ticket.Response))
            .FirstOrDefault());

    public DbSet<User> Users => Set<User>();

    public DbSet<Ticket> Tickets => Set<Ticket>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<User>(user =>
        {
            user.ToTable("users").HasKey(row => row.UserId);
            user.Property(row => row.UserId).HasColumnName("user_id").ValueGeneratedNever();
            user.Property(row => row.TimeCreated).HasColumnName("time_created");
        });
        modelBuilder.Entity<Ticket>(ticket =>
        {
            ticket.ToTable("tickets").HasKey(row => row.TicketId);
            ticket.Property(row => row.TicketId).HasColumnName("ticket_id").ValueGeneratedNever();
            ticket.Property(row => row.UserId).HasColumnName("user_id");
            ticket.Property(row => row.TimeCreated).HasColumnName("time_created");
            ticket.Property(row => row.TimeFinished).HasColumnName("time_finished");
            ticket.Property(row => row.Response).HasColumnName("response");
            ticket.HasOne<User>().WithMany().HasForeignKey(row => row.UserId);
        });
        modelBuilder.MapWolverineEnvelopeStorage(DatabaseSetup.MessagesSchema);
    }
}

/// <summary>What <c>GET /ticket</c> needs of a ticket.</summary>
public sealed record TicketState(DateTime TimeCreated, DateTime? TimeFinished, string? Response);
