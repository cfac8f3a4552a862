using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using StandardWebhooks;
using StandardWebhooks.Diagnostics;
using TicketApp.Api.Webhooks;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Webhooks;

/// <summary>Others' libraries of Standard Webhooks verify what is sent, and no longer once it was changed.</summary>
[Collection(AppCollection.Name)]
public sealed class WebhookLibraryTests(AppFixture app)
{
    // Each prints a line for each secret: whether it verifies, and the event's type.
    private const string Verify =
        """
        import { Webhook as Standard } from "standardwebhooks";
        import { Webhook as Svix } from "svix";
        import { readFileSync } from "node:fs";

        const { secrets, headers } = JSON.parse(process.env.WEBHOOK);
        const body = readFileSync("body.json", "utf8");
        for (const Library of [Standard, Svix]) {
          for (const secret of secrets) {
            const webhook = new Library(secret);
            try { console.log(webhook.verify(body, headers)?.type ?? JSON.parse(body).type); } catch { console.log("refused"); }
            try { webhook.verify(body + " ", headers); console.log("changed"); } catch { console.log("refused"); }
          }
        }
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_library_of_NET_verifies_with_either_secret_while_they_rotate()
    {
        var (webhook, secrets) = await ReceiveAsync();

        Assert.All(secrets, secret =>
        {
            StandardWebhook library = new(secret);
            library.Verify(Encoding.UTF8.GetString(webhook.Body), HeadersOf(webhook));
            Assert.Throws<WebhookVerificationException>(
                () => library.Verify(Encoding.UTF8.GetString(webhook.Body) + " ", HeadersOf(webhook)));
        });
        StandardWebhook other = new(WebhookSignature.Format(new byte[WebhookSignature.SecretBytes]));
        Assert.Throws<WebhookVerificationException>(() => other.Verify(Encoding.UTF8.GetString(webhook.Body), HeadersOf(webhook)));
    }

    [Fact]
    public async Task Those_of_JavaScript_verify_with_either_secret_while_they_rotate()
    {
        var folder = NodePackages.CreateFolder();
        var (webhook, secrets) = await ReceiveAsync();
        await File.WriteAllBytesAsync(Path.Combine(folder.FullName, "body.json"), webhook.Body, Cancel);
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "verify.js"), Verify, Cancel);
        string[] all = [.. secrets, WebhookSignature.Format(new byte[WebhookSignature.SecretBytes])];
        var variable = JsonSerializer.Serialize(new
        {
            secrets = all,
            headers = HeadersOf(webhook).ToDictionary(header => header.Key, header => header.Value.ToString()),
        });

        var lines = await NodePackages.RunModuleAsync(folder, "verify.js", ("WEBHOOK", variable));
        folder.Delete(recursive: true);

        string[] ofOne = ["ticket.finished", "refused", "ticket.finished", "refused", "refused", "refused"];
        Assert.Equal([.. ofOne, .. ofOne], lines.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task What_is_sent_is_what_is_described()
    {
        var (webhook, _) = await ReceiveAsync();

        Assert.Null(ApiContract.CheckedIn.Mismatch("#/components/schemas/WebhookPayload", webhook.Body));
    }

    private static HeaderDictionary HeadersOf(ReceivedWebhook webhook) => new()
    {
        ["webhook-id"] = webhook.Id,
        ["webhook-timestamp"] = webhook.Timestamp.ToString(CultureInfo.InvariantCulture),
        ["webhook-signature"] = string.Join(' ', webhook.Signatures),
    };

    /// <summary>A webhook that was sent while two secrets are in force.</summary>
    private async Task<(ReceivedWebhook Webhook, string[] Secrets)> ReceiveAsync()
    {
        var userId = await app.CreateUserAsync();
        string[] secrets = [await CreateSecretAsync(userId), await CreateSecretAsync(userId)];
        await using var receiver = await WebhookReceiver.StartAsync();
        using var creation = await app.Api.PostAsJsonAsync(
            "/v1/tickets", new { user_id = userId, webhook = new { url = receiver.Url } }, Cancel);
        Assert.Equal(HttpStatusCode.Created, creation.StatusCode);
        var webhook = Assert.Single(await receiver.WaitAsync(1));
        Assert.Equal(2, webhook.Signatures.Distinct().Count());
        return (webhook, secrets);
    }

    private async Task<string> CreateSecretAsync(string userId)
    {
        using var response = await app.Api.PostAsync(new Uri($"/v1/users/{userId}/webhook-secrets", UriKind.Relative), null, Cancel);
        return (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("secret").GetString()!;
    }
}
