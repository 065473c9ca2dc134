package dev.comfyapi.api.outbound;

import java.util.List;

/// URLs by which somebody would reach what is ours. `PORT` is that of a trap on every address of
/// this machine.
public final class ForbiddenUrls {

    private static final List<String> URLS =
            List.of(
                    // This machine, in all its spellings.
                    "http://127.0.0.1:PORT/",
                    "https://127.0.0.1:PORT/",
                    "http://127.0.0.2:PORT/",
                    "http://127.255.255.254:PORT/",
                    "http://127.1:PORT/",
                    "http://127.0.1:PORT/",
                    "http://2130706433:PORT/",
                    "http://0x7f000001:PORT/",
                    "http://0x7f.0.0.1:PORT/",
                    "http://0177.0.0.1:PORT/",
                    "http://017700000001:PORT/",
                    "http://0:PORT/",
                    "http://0.0.0.0:PORT/",
                    "http://localhost:PORT/",
                    "http://LOCALHOST:PORT/",
                    "http://localhost.:PORT/",
                    "http://localhost.localdomain:PORT/",
                    "http://ip6-localhost:PORT/",
                    "http://[::1]:PORT/",
                    "http://[0:0:0:0:0:0:0:1]:PORT/",
                    "http://[::]:PORT/",
                    "http://[::127.0.0.1]:PORT/",
                    "http://[::7f00:1]:PORT/",
                    "http://[::ffff:127.0.0.1]:PORT/",
                    "http://[::ffff:7f00:1]:PORT/",
                    "http://[0:0:0:0:0:ffff:7f00:0001]:PORT/",
                    "http://[::1%25lo]:PORT/",
                    "http://[fe80::1%25lo]:PORT/",
                    // Networks of ours.
                    "http://10.0.0.1:PORT/",
                    "https://10.255.255.255/",
                    "https://172.16.0.1/",
                    "https://172.31.255.255/",
                    "https://192.168.0.1/",
                    "https://100.64.0.1/",
                    "https://[fc00::1]/",
                    "https://[fd00:ec2::254]/",
                    "https://[fe80::1]/",
                    "https://[fec0::1]/",
                    // What clouds tell their own machines.
                    "http://169.254.169.254/latest/meta-data/",
                    "https://169.254.169.254/latest/meta-data/",
                    "http://169.254.170.2/v2/credentials/",
                    "http://2852039166/latest/meta-data/",
                    "http://0xa9fea9fe/",
                    "https://168.63.129.16/",
                    "http://100.100.100.200/latest/meta-data/",
                    "http://[::ffff:a9fe:a9fe]/",
                    // Addresses of nobody in particular.
                    "https://192.0.0.1/",
                    "https://192.0.2.1/",
                    "https://192.88.99.1/",
                    "https://198.18.0.1/",
                    "https://198.51.100.1/",
                    "https://203.0.113.1/",
                    "https://224.0.0.1/",
                    "https://255.255.255.255/",
                    "https://240.0.0.1/",
                    "https://[ff02::1]/",
                    "https://[2001:db8::1]/",
                    // IPv4 inside IPv6.
                    "https://[64:ff9b::7f00:1]:PORT/",
                    "https://[64:ff9b::a9fe:a9fe]/",
                    "https://[64:ff9b:1::1]/",
                    "https://[2002:7f00:1::]:PORT/",
                    "https://[2001::7f00:1]:PORT/",
                    // Public, but no web server.
                    "http://1.1.1.1:22/",
                    "http://1.1.1.1:25/",
                    "https://1.1.1.1:5432/",
                    "https://1.1.1.1:6379/",
                    "https://1.1.1.1:8188/",
                    "https://1.1.1.1:9092/",
                    // No URL, or not what it seems.
                    "http://user:secret@127.0.0.1:PORT/",
                    "https://1.1.1.1@127.0.0.1:PORT/",
                    "https://user@1.1.1.1/",
                    "http://127.0.0.1:PORT#@1.1.1.1/",
                    "http://1.1.1.1&@127.0.0.1:PORT/",
                    "http://127.0.0.1:PORT\\@1.1.1.1/",
                    "http://127.0.0.1:PORT\r\nHost: x/",
                    "ftp://127.0.0.1:PORT/",
                    "file:///etc/passwd",
                    "gopher://127.0.0.1:PORT/_x",
                    "jar:http://127.0.0.1:PORT/!/x",
                    "dict://127.0.0.1:PORT/",
                    "//127.0.0.1:PORT/",
                    "http:127.0.0.1:PORT",
                    "http:///127.0.0.1:PORT/",
                    "http://",
                    "http://127.0.0.1:99999/",
                    "http://\u2460\u2461\u2466.0.0.1:PORT/",
                    "http://does-not-exist.invalid:PORT/",
                    "127.0.0.1:PORT",
                    "");

    private ForbiddenUrls() {}

    public static List<String> to(int trap) {
        return URLS.stream().map(url -> url.replace("PORT", Integer.toString(trap))).toList();
    }
}
