package dev.comfyapi.api.outbound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Set;

class AddressGuardTest {

    private static AddressGuard aGuard(String... allowed) {
        return new AddressGuard("some.property", List.of(allowed), Set.of(80, 443, 8443));
    }

    private final AddressGuard guard = aGuard();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0.0.0.0",
                "10.1.2.3",
                "100.64.0.1",
                "100.127.255.255",
                "127.0.0.1",
                "127.1",
                "2130706433",
                "168.63.129.16",
                "169.254.169.254",
                "172.16.0.1",
                "172.31.255.255",
                "192.0.0.8",
                "192.0.2.1",
                "192.88.99.1",
                "192.168.1.1",
                "198.18.0.1",
                "198.19.255.255",
                "198.51.100.7",
                "203.0.113.9",
                "224.0.0.1",
                "239.255.255.255",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "::1",
                "::7f00:1",
                "::ffff:127.0.0.1",
                "::ffff:7f00:1",
                "::ffff:10.0.0.1",
                "64:ff9b::a00:1",
                "64:ff9b:1::1",
                "100::1",
                "2001::1",
                "2001:db8::1",
                "2002:7f00:1::",
                "3fff::1",
                "fc00::1",
                "fd00:ec2::254",
                "fe80::1",
                "fec0::1",
                "ff02::1"
            })
    void no_connection_is_made_to_what_is_not_public(String address) throws UnknownHostException {
        assertThat(guard.isOpen(InetAddress.getByName(address), 443)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1.1.1.1",
                "9.255.255.255",
                "11.0.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "172.15.255.255",
                "172.32.0.0",
                "192.167.255.255",
                "223.255.255.255",
                "2606:4700::1111",
                "2a00:1450:4001::200e"
            })
    void public_hosts_are_open_on_the_ports_of_the_web(String address) throws UnknownHostException {
        var host = InetAddress.getByName(address);

        assertThat(guard.isOpen(host, 443)).isTrue();
        for (int port : new int[] {0, 22, 25, 5432, 6379, 8188, 9092, 65_535}) {
            assertThat(guard.isOpen(host, port)).isFalse();
        }
    }

    private static InetAddress address(String text) throws UnknownHostException {
        return InetAddress.getByName(text);
    }

    @Test
    void an_operator_opens_hosts_addresses_and_ranges() throws UnknownHostException {
        var opened = aGuard("Files.Internal", "10.1.0.0/16", "::1", "127.0.0.1");

        assertThat(opened.isNamed("files.internal")).isTrue();
        assertThat(opened.isNamed("files.internal.example.com")).isFalse();
        assertThat(opened.isOpen(address("10.1.255.1"), 9_000)).isTrue();
        assertThat(opened.isOpen(address("10.2.0.1"), 443)).isFalse();
        assertThat(opened.isOpen(address("::1"), 443)).isTrue();
        assertThat(opened.isOpen(address("127.0.0.1"), 443)).isTrue();
        assertThat(opened.isOpen(address("127.0.0.2"), 443)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.0/33", "10.0.0.0/99999999999", "10.0.0.0.0/8"})
    void a_range_that_is_none_is_refused_at_the_start(String range) {
        assertThatThrownBy(() -> aGuard(range))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("some.property");
    }
}
