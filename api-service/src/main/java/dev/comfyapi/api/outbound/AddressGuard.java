package dev.comfyapi.api.outbound;

import java.math.BigInteger;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/// Which addresses the service may connect to on behalf of a client: public ones only, so that
/// nobody reaches our own network through us. Immutable.
public final class AddressGuard {

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
    private static final Range GLOBAL_V6 = Range.of("", "2000::/3");

    private static final Pattern ADDRESS =
            Pattern.compile("[0-9.]+(/[0-9]+)?|[0-9a-f:.]*:[0-9a-f:.]*(/[0-9]+)?");

    private final Set<String> names = new HashSet<>();
    private final List<Range> open = new ArrayList<>();
    private final Set<Integer> ports;

    /// @param property where `allowed` comes from, for the words of what is wrong with it
    /// @param allowed host names, addresses and ranges that are open although they are not public
    /// @param ports those of public hosts that are open; others are more likely no web server
    public AddressGuard(String property, List<String> allowed, Set<Integer> ports) {
        this.ports = Set.copyOf(ports);
        for (var entry : allowed) {
            var lower = entry.strip().toLowerCase(Locale.ROOT);
            if (ADDRESS.matcher(lower).matches()) {
                open.add(Range.of(property, lower));
            } else {
                names.add(lower);
            }
        }
    }

    /// Whether an operator has named this host.
    boolean isNamed(String host) {
        return names.contains(host.toLowerCase(Locale.ROOT));
    }

    /// Whether an operator has opened this address, on any port and for any scheme.
    boolean isOpened(InetAddress address) {
        return open.stream().anyMatch(range -> range.contains(address));
    }

    /// Whether a connection may be made: the operator has opened the address, or it is public and
    /// the port is one of the web.
    boolean isOpen(InetAddress address, int port) {
        return isOpened(address) || (isPublic(address) && ports.contains(port));
    }

    private static boolean isPublic(InetAddress address) {
        boolean global = address instanceof Inet4Address || GLOBAL_V6.contains(address);
        return global && CLOSED.stream().noneMatch(range -> range.contains(address));
    }

    private static List<Range> ranges(String... texts) {
        return List.of(texts).stream().map(text -> Range.of("", text)).toList();
    }

    /// The addresses that begin with the same bits.
    ///
    /// @param length bytes of an address, 4 or 16
    /// @param shift bits that do not count
    private record Range(int length, BigInteger start, int shift) {

        static Range of(String property, String text) {
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
                            "%s: %s has too many bits".formatted(property, text));
                }
                int shift = bytes.length * 8 - bits;
                return new Range(bytes.length, new BigInteger(1, bytes).shiftRight(shift), shift);
            } catch (UnknownHostException | NumberFormatException e) {
                throw new IllegalArgumentException(
                        "%s: %s is no address or range".formatted(property, text), e);
            }
        }

        boolean contains(InetAddress address) {
            var bytes = address.getAddress();
            return bytes.length == length
                    && new BigInteger(1, bytes).shiftRight(shift).equals(start);
        }
    }
}
