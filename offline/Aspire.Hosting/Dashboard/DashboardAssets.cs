using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Aspire.Hosting.Dashboard;

/// <summary>The pages, style and modules, which are in this assembly.</summary>
internal static class DashboardAssets
{
    private const string Prefix = "wwwroot/";

    private static readonly Assembly _assembly = typeof(DashboardAssets).Assembly;

    private static readonly Dictionary<string, string> _contentTypes = new()
    {
        [".html"] = "text/html; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
    };

    public static void MapAssets(this IEndpointRouteBuilder app)
    {
        foreach (var name in _assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            var path = name == $"{Prefix}index.html" ? "/" : name[(Prefix.Length - 1)..];
            app.MapGet(path, context => WriteAsync(context.Response, name));
        }
    }

    public static async Task WriteLoginPageAsync(HttpResponse response, bool isRefused)
    {
        using var reader = new StreamReader(Open($"{Prefix}login.html"));
        var page = await reader.ReadToEndAsync();
        response.ContentType = _contentTypes[".html"];
        await response.WriteAsync(isRefused ? page.Replace("data-refused hidden", "data-refused", StringComparison.Ordinal) : page);
    }

    private static async Task WriteAsync(HttpResponse response, string name)
    {
        response.ContentType = _contentTypes[Path.GetExtension(name)];
        await using var content = Open(name);
        await content.CopyToAsync(response.Body);
    }

    private static Stream Open(string name) => _assembly.GetManifestResourceStream(name)!;
}
