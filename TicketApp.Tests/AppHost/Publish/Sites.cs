using System.Text.Json.Nodes;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>What sites make of the chart: what they set when they publish it, and what when they install it.</summary>
internal static class Sites
{
    private static readonly Dictionary<string, (string[] Settings, string Values)> _all = new()
    {
        ["defaults"] = ([], "{}"),
        ["external servers"] = (["--Deployment:ExternalPostgres=true", "--Deployment:ExternalRabbitMq=true"], "{}"),
        ["a model at an endpoint"] = (
            ["--Models:llama:Kind=chat", "--Models:llama:Url=https://api.example.com/v1", "--Models:llama:ApiKey=k"], "{}"),
        ["a model with a hyphen in its name"] = (
            [
                "--Models:my-model:Kind=chat", "--Models:my-model:Url=https://api.example.com/v1", "--Models:my-model:ApiKey=k",
                "--Models:my-model:Headers:X-My-Header=v",
            ],
            "{}"),
        ["certificates of the site"] = (
            [], """{"config":{"postgres":{"tls_secret":"database-certificate"},"rabbitmq":{"tls_secret":"broker-certificate"}}}"""),
        ["another port"] = ([], """{"parameters":{"api":{"port_http":9090},"worker":{"port_http":9091}}}"""),
        ["host and TLS"] = (
            ["--Deployment:PublicHost=tickets.example.org"],
            """
            {"config":{"api":{"tls_secret":"other-tls","gateway_class":"cilium",
              "public_annotations":{"cert-manager.io/cluster-issuer":"letsencrypt"}}}}
            """),
        ["no KEDA"] = ([], """{"config":{"worker":{"scaler":"none"}}}"""),
        ["a gateway of the site"] = (
            [],
            """
            {"config":{"api":{"gateway_name":"shared","gateway_namespace":"gateways","gateway_section":"web",
              "ingress_namespace":"gateways","public_host":"tickets.example.org"}}}
            """),
        ["an ingress"] = (
            [],
            """
            {"config":{"api":{"expose":"ingress","ingress_class":"haproxy","ingress_namespace":"ingress",
              "public_annotations":{"nginx.ingress.kubernetes.io/proxy-body-size":"8m"}}}}
            """),
        ["callers from within"] = ([], """{"config":{"api":{"expose":"none"}}}"""),
        ["one replica"] = (
            [], """{"config":{"api":{"min_api_replicas":1,"max_api_replicas":1},"worker":{"min_workers":1,"max_workers":1}}}"""),
        ["large"] = (
            ["--Deployment:WorkerConcurrency=400"],
            """
            {"config":{"api":{"min_api_replicas":8,"max_api_replicas":40,"cpu_limit":"4","memory_limit":"2Gi"},
              "worker":{"min_workers":20,"max_workers":400},
              "postgres":{"cpu_request":"8","memory_request":"32Gi","cpu_limit":"16","memory_limit":"32Gi","storage":"2Ti"},
              "rabbitmq":{"memory_limit":"8Gi","storage":"200Gi"}}}
            """),
        ["small"] = (
            ["--Deployment:MinApiReplicas=1", "--Deployment:MinWorkers=0", "--Deployment:MaxWorkers=1"],
            """
            {"config":{"api":{"max_api_replicas":1,"cpu_request":"50m","memory_request":"96Mi","memory_limit":"256Mi"},
              "worker":{"cpu_request":"50m","memory_request":"96Mi"},
              "postgres":{"cpu_request":"100m","memory_request":"256Mi","memory_limit":"768Mi","storage":"5Gi"},
              "rabbitmq":{"cpu_request":"100m","memory_request":"256Mi","storage":"1Gi"}}}
            """),
        ["a closed network"] = (
            ["--Deployment:ExternalRabbitMq=true"],
            """
            {"parameters":{"api":{
                "api_image":"registry.local:5000/t/api@sha256:0000000000000000000000000000000000000000000000000000000000000000"}},
              "config":{
                "api":{"expose":"none","ingress_namespace":"mesh","dns_cidr":"10.96.0.10/32","otlp_endpoint":"http://otel.obs:4317",
                  "otlp_namespace":"obs","rabbitmq_namespace":"rabbit"},
                "worker":{"scaler":"none","dns_cidr":"10.96.0.10/32","otlp_endpoint":"http://otel.obs:4317","otlp_namespace":"obs",
                  "rabbitmq_namespace":"rabbit"}}}
            """),
        ["a database in the cluster with an owner"] = (
            ["--Deployment:ExternalPostgres=true", "--ConnectionStrings:migrations=a"],
            """{"config":{"api":{"postgres_cidr":"","postgres_namespace":"cnpg","postgres_port":6432}}}"""),
        ["two models on graphics cards"] = (
            [
                "--Models:llama:Kind=chat", "--Models:llama:Url=http://vllm.models:8000/v1", "--Models:llama:ApiKey=k",
                "--Models:resnet:Kind=open-inference", "--Models:resnet:Url=http://triton.models:8000", "--Deployment:MinWorkers=0",
                "--Deployment:WorkerDrainTimeout=00:20:00",
            ],
            """
            {"config":{"api":{"keda_namespace":"autoscaling"},
              "worker":{"worker_slots":"2","min_workers":"0","max_workers":"8","model_namespace":"models","model_cidr":"10.20.0.0/16"}}}
            """),
        ["a cloud's load balancer, storage of a class and a registry of its own"] = (
            [],
            """
            {"config":{
                "api":{"expose":"ingress","ingress_class":"alb","ingress_namespace":"","ingress_cidr":"10.40.0.0/16",
                  "public_annotations":{"alb.ingress.kubernetes.io/target-type":"ip","alb.ingress.kubernetes.io/ssl-redirect":443,
                    "example.com/managed":true}},
                "worker":{"scaler":"none"},
                "postgres":{"image":"registry.local/postgres:18.6","storage_class":"gp3"},
                "rabbitmq":{"image":"registry.local/rabbitmq:4.3.6","storage_class":"gp3"}}}
            """),
        ["numbers for texts"] = (
            [],
            """
            {"parameters":{"api":{"port_http":"8081"}},
              "config":{"api":{"min_api_replicas":3,"max_api_replicas":30,"cpu_request":1,"cpu_limit":3,"rabbitmq_username":"tickets"},
                "worker":{"worker_slots":2000000,"min_workers":2,"max_workers":1000000,"memory_limit":1073741824},
                "rabbitmq":{"rabbitmq_username":"tickets","storage":21474836480}}}
            """),
    };

    public static TheoryData<string> All => [.. _all.Keys];

    /// <summary>The chart as a site publishes it, and the values with which it installs it.</summary>
    public static async Task<(Chart Chart, JsonObject Values)> OfAsync(string site)
    {
        var chart = await Publication.OfTicketAppAsync(_all[site].Settings);
        var values = chart.ValuesWithSecrets();
        Change(values, JsonNode.Parse(_all[site].Values)!.AsObject());
        return (chart, values);
    }

    private static void Change(JsonObject values, JsonObject changes)
    {
        foreach (var (name, change) in changes)
        {
            Assert.True(values.ContainsKey(name), $"There is no value {name}.");
            if (change is JsonObject inner && values[name] is JsonObject { Count: > 0 } outer)
            {
                Change(outer, inner);
            }
            else
            {
                values[name] = change!.DeepClone();
            }
        }
    }
}
