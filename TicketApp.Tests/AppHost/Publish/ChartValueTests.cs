using System.Text.Json.Nodes;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>The values of the chart: whatever a site writes there is taken as it is meant, or refused with what to set.</summary>
public sealed class ChartValueTests
{
    [Theory]
    [InlineData("api", "expose", "Set config.api.expose: gateway, ingress or none.")]
    [InlineData("worker", "scaler", "Set config.worker.scaler: keda or none.")]
    public void A_choice_that_there_is_not_is_refused(string service, string name, string line)
    {
        var values = Chart.Deployed.ValuesWithSecrets();
        values["config"]![service]![name] = "other";

        var error = Assert.Throws<InvalidDataException>(() => Chart.Deployed.RenderAll(values));

        Assert.Contains(line, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_or_unfit_secret_is_named()
    {
        var chart = await Publication.OfTicketAppAsync();

        foreach (var (consumer, name) in SecretsOf(chart))
        {
            foreach (var unfit in (string[])["", "p@ss word"])
            {
                var values = chart.ValuesWithSecrets();
                values["secrets"]![consumer]![name] = unfit;

                var error = Assert.Throws<InvalidDataException>(() => chart.Render($"{consumer}/secrets.yaml", values));
                Assert.Contains($"Set secrets.{consumer}.{name}", error.Message, StringComparison.Ordinal);
            }
        }
    }

    /// <summary>Helm takes every number of a file for a fraction, of which it writes a million as 1e+06.</summary>
    [Theory]
    [InlineData("defaults")]
    [InlineData("external servers")]
    [InlineData("a model at an endpoint")]
    [InlineData("an ingress")]
    public async Task A_number_of_any_size_has_all_its_digits(string site)
    {
        var (chart, values) = await Sites.OfAsync(site);
        string[] choices = ["expose", "scaler", "public_annotations"];
        var numbers = 0;
        var sections = values["config"]!.AsObject().Concat(values["parameters"]!.AsObject());
        foreach (var value in sections.Select(section => section.Value!.AsObject()))
        {
            foreach (var name in value.Select(entry => entry.Key)
                .Where(name => !choices.Contains(name) && !name.EndsWith("image", StringComparison.Ordinal)).ToArray())
            {
                value[name] = 12345678;
                numbers++;
            }
        }

        values["config"]!["api"]!["public_annotations"] =
            new JsonObject { ["example.com/number"] = 12345678, ["example.com/truth"] = true };

        var rendered = string.Concat(chart.RenderAll(values).Values);

        Assert.DoesNotContain("1.2345678e+07", rendered, StringComparison.Ordinal);
        Assert.True(rendered.Split("12345678").Length > numbers / 2);
        // Annotations are texts.
        Assert.Contains("\"example.com/number\": \"12345678\"", rendered, StringComparison.Ordinal);
        Assert.Contains("\"example.com/truth\": \"true\"", rendered, StringComparison.Ordinal);

        // A password of digits alone would lose some, or a zero that it begins with: it is written exactly, or refused.
        foreach (var (consumer, name) in SecretsOf(chart))
        {
            var withSecret = (JsonObject)values.DeepClone();
            withSecret["secrets"]![consumer]![name] = 12345678;
            try
            {
                Assert.Contains("12345678", chart.Render($"{consumer}/secrets.yaml", withSecret), StringComparison.Ordinal);
            }
            catch (InvalidDataException e)
            {
                Assert.Contains($"Set secrets.{consumer}.{name}: ", e.Message, StringComparison.Ordinal);
                Assert.Contains("digits alone in quotes", e.Message, StringComparison.Ordinal);
            }
        }
    }

    /// <summary>A file of values may name a value and give it none.</summary>
    [Theory]
    [InlineData("certificates of the site")]
    [InlineData("external servers")]
    [InlineData("callers from within")]
    public async Task A_value_that_is_left_blank_is_empty(string site)
    {
        var (chart, values) = await Sites.OfAsync(site);
        var blank = (JsonObject)values.DeepClone();
        foreach (var section in blank["config"]!.AsObject().Select(section => section.Value!.AsObject()))
        {
            foreach (var name in section.Where(value => value.Value?.ToJsonString() == "\"\"").Select(value => value.Key).ToArray())
            {
                section[name] = null;
            }
        }

        // What the chart makes is another one each time.
        Assert.Equal(Texts(values), Texts(blank));

        IEnumerable<KeyValuePair<string, string>> Texts(JsonNode of) =>
            chart.RenderAll(of).Where(item => !item.Key.EndsWith("/tls.yaml", StringComparison.Ordinal)).OrderBy(item => item.Key);
    }

    [Theory]
    [InlineData("""{"$ref":"#/$defs/a"}""")]
    [InlineData("a \\ and a \"quote\", {braces}, # and: more\nin two lines")]
    public async Task A_value_may_have_any_character(string text)
    {
        var chart = await Publication.OfTicketAppAsync(
            "--Models:llama:Kind=chat", "--Models:llama:Url=https://api.example.com/v1", "--Models:llama:ApiKey=k",
            """--Models:llama:InputSchema={"$ref":"#/$defs/b"}""");
        var values = chart.ValuesWithSecrets();
        Assert.Equal("""{"$ref":"#/$defs/b"}""", chart.Variables("worker", values)["Models__llama__InputSchema"]);
        values["config"]!["worker"]!["Models__llama__InputSchema"] = text;
        var key = values["secrets"]!["worker"]!.AsObject().Single(entry => entry.Key.Contains("llama", StringComparison.Ordinal)).Key;
        values["secrets"]!["worker"]![key] = text;

        var variables = chart.Variables("worker", values);

        Assert.Equal((text, text), (variables["Models__llama__InputSchema"], variables["Models__llama__ApiKey"]));
    }

    /// <summary>A server and a service are given the same account, each in its own values.</summary>
    [Theory]
    [InlineData("config", "rabbitmq", "rabbitmq_username", "api", "another")]
    [InlineData("config", "rabbitmq", "rabbitmq_username", "api", "ticket-app")]
    [InlineData("secrets", "postgres", "tickets_password", "api", "another")]
    [InlineData("secrets", "rabbitmq", "rabbitmq_password", "api", "another")]
    [InlineData("secrets", "rabbitmq", "rabbitmq_worker_password", "worker", "another")]
    public void An_account_that_is_changed_in_one_place_alone_is_named(
        string section, string server, string name, string service, string another)
    {
        var values = Chart.Deployed.ValuesWithSecrets();
        values[section]![server]![name] = another;

        var error = Assert.Throws<InvalidDataException>(() => Chart.Deployed.RenderAll(values));

        Assert.Contains($"Set {section}.{service}.{name} to what {section}.{server}.{name} is.", error.Message, StringComparison.Ordinal);
        values[section]![service]![name] = another;
        Assert.NotEmpty(Chart.Deployed.RenderAll(values));
    }

    [Theory]
    [InlineData("api", "api", false)]
    [InlineData("api", "api:latest", false)]
    [InlineData("worker", "registry.example.com:5000/worker", false)]
    [InlineData("worker", "registry.example.com:5000/worker:latest", false)]
    [InlineData("api", "api:1.0.0", true)]
    [InlineData("api", "registry.example.com:5000/api:1.0.0", true)]
    [InlineData("worker", "worker@sha256:0000000000000000000000000000000000000000000000000000000000000000", true)]
    [InlineData("worker", "worker:latest@sha256:0000000000000000000000000000000000000000000000000000000000000000", true)]
    [InlineData("postgres", "", false)]
    [InlineData("postgres", "registry.example.com:5000/postgres:latest", false)]
    [InlineData("rabbitmq", "rabbitmq", false)]
    [InlineData("rabbitmq", "registry.example.com:5000/rabbitmq:4.3.6", true)]
    public void An_image_has_a_tag_of_its_own_or_a_digest(string name, string image, bool isFit)
    {
        var values = Chart.Deployed.ValuesWithSecrets();
        var (section, value, workload) = name is "api" or "worker"
            ? ("parameters", $"{name}_image", "deployment")
            : ("config", "image", "statefulset");
        values[section]![name]![value] = image;

        if (isFit)
        {
            Assert.Equal(image, Chart.ImageOf(Chart.Deployed.Parse($"{name}/{workload}.yaml", values)));
        }
        else
        {
            var error = Assert.Throws<InvalidDataException>(() => Chart.Deployed.Render($"{name}/{workload}.yaml", values));
            Assert.Contains($"Set {section}.{name}.{value}: ", error.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>Each secret of the chart, and the workload that it belongs to.</summary>
    private static IEnumerable<(string Consumer, string Name)> SecretsOf(Chart chart) =>
        from consumer in (JsonObject)chart.Values["secrets"]!
        from secret in (JsonObject)consumer.Value!
        where char.IsLower(secret.Key[0])
        select (consumer.Key, secret.Key);
}
