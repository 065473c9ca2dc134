package dev.comfyapi.api.asset;

import java.math.BigInteger;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// Which addresses the service may connect to on behalf of a client: public ones only, so that
/// nobody reaches our own network through us. Immutable.
final class AddressGuard {

    /// Everything that is not a public host of the Internet: private, local, shared, reserved and
    /// documentation ranges, multicast, and the platform address of a large cloud.
    private static final List<Range> CLOSED =
            ranges(
                    "0.0.0.0/8",
                    "10.0.0.0/8",
                    "100.64.0.0/10",
                    "127.0.0.0/8",
                    "168.63.129.16/32",
                    "169.254.0.0/16",
                    "172.16.0.0/12",
                    "192.0.0.0/24",
                    "192.0.2.0/24",
                    "192.88.99.0/24",
                    "192.168.0.0/16",
                    "198.18.0.0/15",
                    "198.51.100.0/24",
                    "203.0.113.0/24",
                    "224.0.0.0/4",
                    "240.0.0.0/4",
                    "2001::/23",
                    "2001:db8::/32",
                    "2002::/16",
                    "3fff::/20");

    /// Of IPv6 only what is given out to hosts. That leaves out loopback, link-local, unique local,
    /// multicast, and every way to write an IPv4 address.
    private static final Range GLOBAL_V6 = Range.of("2000::/3");

    /// Ports where web servers are; others are more likely something else.
    private static final Set<Integer> WEB = Set.of(80, 443, 8080, 8443);

    private final Set<String> names = new HashSet<>();
    private final List<Range> open = new ArrayList<>();

    /// @param allowed host names, addresses and ranges that are open although they are not public
    AddressGuard(List<String> allowed) {
        for (var entry : allowed) {
            var lower = entry.strip().toLowerCase(Locale.ROOT);
            if (lower.matches("[0-9.]+(/[0-9]+)?|[0-9a-f:.]*:[0-9a-f:.]*(/[0-9]+)?")) {
                open.add(Range.of(lower));
            } else {
                names.add(lower);
            }
        }
    }

    /// Whether an operator has named this host.
    boolean isNamed(String host) {
        return names.contains(host.toLowerCase(Locale.ROOT));
    }

    /// Whether a connection to this address may be made, on any port.
    boolean isOpen(InetAddress address) {
        if (open.stream().anyMatch(range -> range.contains(address))) {
            return true;
        }
        boolean global = address instanceof Inet4Address || GLOBAL_V6.contains(address);
        return global && CLOSED.stream().noneMatch(range -> range.contains(address));
    }

    /// Whether this port is one of the web, or the operator has opened the address.
    boolean isOpen(InetAddress address, int port) {
        return isOpen(address)
                && (WEB.contains(port) || open.stream().anyMatch(range -> range.contains(address)));
    }

    private static List<Range> ranges(String... texts) {
        return List.of(texts).stream().map(Range::of).toList();
    }

    /// The addresses that begin with the same bits.
    ///
    /// @param length bytes of an address, 4 or 16
    /// @param shift bits that do not count
    private record Range(int length, BigInteger start, int shift) {

        static Range of(String text) {
            int slash = text.indexOf('/');
            try {
                // Digits and colons only: nobody is asked.
                var bytes =
                        InetAddress.getByName(slash < 0 ? text : text.substring(0, slash))
                                .getAddress();
                int bits =
                        slash < 0 ? bytes.length * 8 : Integer.parseInt(text.substring(slash + 1));
                if (bits > bytes.length * 8) {
                    throw new IllegalArgumentException(
                            "comfyapi.assets.allowed-hosts: %s has too many bits".formatted(text));
                }
                int shift = bytes.length * 8 - bits;
                return new Range(bytes.length, new BigInteger(1, bytes).shiftRight(shift), shift);
            } catch (UnknownHostException | NumberFormatException e) {
                throw new IllegalArgumentException(
                        "comfyapi.assets.allowed-hosts: %s is no address or range".formatted(text),
                        e);
            }
        }

        boolean contains(InetAddress address) {
            var bytes = address.getAddress();
            return bytes.length == length
                    && new BigInteger(1, bytes).shiftRight(shift).equals(start);
        }
    }
}
