using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TicketApp.Tests.Fixtures;

/// <summary>An authority of its own, and a certificate of a server on <c>localhost</c>: not of its address.</summary>
internal sealed class TestAuthority
{
    public TestAuthority(string directory, string name)
    {
        RootFile = Path.Combine(directory, $"{name}-root.pem");
        CertificateFile = Path.Combine(directory, $"{name}.pem");
        KeyFile = Path.Combine(directory, $"{name}-key.pem");
        var (from, to) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));

        using var rootKey = RSA.Create(2048);
        CertificateRequest rootRequest = new($"CN={name} root", rootKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        rootRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        rootRequest.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        rootRequest.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(rootRequest.PublicKey, critical: false));
        using var root = rootRequest.CreateSelfSigned(from, to);

        using var key = RSA.Create(2048);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        using var certificate = request.Create(root, from, to.AddMinutes(-1), RandomNumberGenerator.GetBytes(8));

        File.WriteAllText(RootFile, root.ExportCertificatePem());
        File.WriteAllText(CertificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>The authority's own certificate.</summary>
    public string RootFile { get; }

    public string CertificateFile { get; }

    public string KeyFile { get; }
}
