namespace TicketApp.AppHost.Servers;

/// <summary>
/// TLS of the servers that are published with the application. Each has a certificate and an authority of its own, in files that have the
/// same names in every container.
/// </summary>
internal static class ServerTls
{
    public const int BrokerPort = 5671;

    /// <summary>User and group of the images of both servers, who alone may read their keys.</summary>
    public const int ServerUser = 999;

    /// <summary>
    /// Where <see cref="MakeCertificates"/> writes: a folder for each server, and one with what their clients get.
    /// </summary>
    public const string Certificates = "/certificates";

    /// <inheritdoc cref="Certificates"/>
    public const string Authorities = "authorities";

    /// <summary>The folder of the servers' folders.</summary>
    public const string Folder = "/run/secrets";

    private const string NewKey = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650";

    /// <summary>
    /// What PostgreSQL is started with: TLS, and no connection without it but those of its own container. It reads a changed certificate
    /// within a minute.
    /// </summary>
    public static string PostgresSettings =>
        $"-c ssl=on -c ssl_cert_file={CertificateOf(ServerResources.PostgresName)} -c ssl_key_file={KeyOf(ServerResources.PostgresName)} "
        + "-c hba_file=/tmp/pg_hba.conf";

    /// <summary>Prepares a start with <see cref="PostgresSettings"/>, in a shell that the server then replaces.</summary>
    public static string PostgresPreparation =>
        "printf 'local all all scram-sha-256\\nhostssl all all all scram-sha-256\\n' >/tmp/pg_hba.conf; "
        + "touch /tmp/certificate-read; "
        + $"(while sleep 60 && kill -0 $$; do [ ! {CertificateOf(ServerResources.PostgresName)} -nt /tmp/certificate-read ] || "
        + "{ touch /tmp/certificate-read; $as pg_ctl reload -D \"$PGDATA\"; }; done) >/dev/null 2>&1 & ";

    /// <summary>Lines of RabbitMQ's configuration. It reads a changed certificate within two minutes, by Erlang's cache of files.</summary>
    public static IEnumerable<string> RabbitMqSettings =>
    [
        "listeners.tcp = none",
        $"listeners.ssl.default = {BrokerPort}",
        $"ssl_options.certfile = {CertificateOf(ServerResources.BrokerName)}",
        $"ssl_options.keyfile = {KeyOf(ServerResources.BrokerName)}",
    ];

    /// <summary>
    /// Makes certificates where a site brings none, unless they are there: for ten years, of authorities whose keys are not kept. In the
    /// image of PostgreSQL, which has OpenSSL.
    /// </summary>
    public static string MakeCertificates(IEnumerable<string> servers) =>
        $"set -e; cd /tmp; for server in {string.Join(' ', servers)}; do "
        + $"folder={Certificates}/$server; authority={Certificates}/{Authorities}/$server; [ ! -s $authority/ca.pem ] || continue; "
        + $"openssl req -x509 {NewKey} -subj \"/CN=authority of $server\" -addext keyUsage=critical,keyCertSign "
        + "-keyout ca.key -out ca.pem; "
        + $"openssl req -x509 {NewKey} -CA ca.pem -CAkey ca.key -subj /CN=$server -addext subjectAltName=DNS:$server,DNS:localhost "
        + "-addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth -keyout tls.key -out tls.crt; rm ca.key; "
        // The owner last: who may only give files away cannot change one that it has given.
        + $"install -m 400 tls.key $folder; chown {ServerUser}:{ServerUser} $folder/tls.key; install -m 444 tls.crt $folder; "
        // Last: what was interrupted is made again.
        + "install -d -m 755 $authority; install -m 444 ca.pem $authority; done";

    /// <summary>Where the files of a server are, in its container and in those of its clients.</summary>
    public static string FolderOf(string server) => $"{Folder}/{server}";

    /// <summary>What verifies a server, in the containers of its clients. Npgsql reads several certificates of a file named so.</summary>
    public static string AuthorityOf(string server) => $"{FolderOf(server)}/ca.pem";

    private static string CertificateOf(string server) => $"{FolderOf(server)}/tls.crt";

    private static string KeyOf(string server) => $"{FolderOf(server)}/tls.key";
}
